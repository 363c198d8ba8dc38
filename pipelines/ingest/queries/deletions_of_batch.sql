-- query
-- One row per batch of a stage: how many keys it deletes by name. `gone` says of a key 1 or 0.
-- key: batch_seq
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select
    _batch_seq as batch_seq,
    $source as source,
    $table as table_name,
    sum(gone) as rows_deleted,
    0 as keys_before,
    0 as keys_vanished
from (
    select _batch_seq, "$gone" as gone
    from (select *, "$standing" as _standing from "$stage")
    where _fault_reason is null
    group by _batch_seq, "$key"
)
group by _batch_seq
