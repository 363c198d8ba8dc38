-- Rows that a later row of their key stood in for are told apart: repeats, conflicts, and the rest. Of batches that
-- were accounted for before, all of them stay what they were called, superseded, until core is rebuilt from them.
alter table if exists ingest.batch_table add column rows_repeated bigint default 0;
alter table if exists ingest.batch_table add column rows_conflicting bigint default 0;
alter table if exists ingest.batch_table alter column rows_repeated set not null;
alter table if exists ingest.batch_table alter column rows_conflicting set not null;
