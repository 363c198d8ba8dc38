-- query
-- One row per file of a stage, with what its rows bring in revenue as mapped, and what of it the faulty ones do.
-- key: file_id
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select
    _file_id as file_id,
    _batch_seq as batch_seq,
    $source as source,
    $table as table_name,
    cast(coalesce(sum(revenue), 0) as decimal(38, 4)) as landed,
    cast(coalesce(sum(revenue) filter (where _fault_reason is not null), 0) as decimal(38, 4)) as quarantined
from "$stage"
group by _file_id, _batch_seq
