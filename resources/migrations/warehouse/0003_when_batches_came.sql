-- Version 3: the business day that had ended last when a batch came. Of a batch from before, the first day that
-- was recorded with it, or where no day was, the one before it landed.
create schema if not exists ingest;
create table if not exists ingest.batch (
    batch_seq bigint primary key, source varchar not null, run_id varchar not null,
    landed_at timestamp not null, status varchar not null, reason varchar, files bigint not null,
    replaces boolean not null, first_business_date date
);
create schema if not exists segments;
create table if not exists segments.recorded_batch (
    as_of_date date not null, revision bigint not null, batch_seq bigint not null, known boolean not null
);
alter table ingest.batch add column if not exists delivered_on date;
update ingest.batch as b set delivered_on = coalesce(
    (
        select min(r.as_of_date)
        from segments.recorded_batch as r
        where r.batch_seq = b.batch_seq and r.known
    ),
    cast(timezone('UTC', b.landed_at) as date) - 1
);
