-- Version 4: what customers, accounts, contacts, leads and deals said before they changed, from now on. What was known
-- of the days before is what is known now; a rebuild of core begins the record.
create schema if not exists history;
create table if not exists history.attribute_change (
    change_seq bigint not null, table_name varchar not null, entity_kind varchar not null,
    row_key varchar[] not null, event varchar not null, column_name varchar, value_before varchar,
    value_after varchar, changed_on date not null, batch_seq bigint
);
create table if not exists history.column_epoch (
    change_seq bigint not null, table_name varchar not null, column_name varchar not null,
    began_on date not null
);
create table if not exists history.mapping (
    table_name varchar not null, mark varchar not null, began_on date not null
);
