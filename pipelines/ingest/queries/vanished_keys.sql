-- query
-- One row: how many keys the snapshot `earlier` has, and how many of them the newest file of a batch lacks.
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with earlier as (
    select distinct "$key" from "$earlier" as typed where _fault_reason is null
),

staged as (
    select "$key"
    from "$stage"
    where _fault_reason is null and _file_id = (select max(file_id) from ingest.file where batch_seq = $seq)
)

select count(*) as keys, (select count(*) from earlier anti join staged using ("$key")) as vanished
from earlier
