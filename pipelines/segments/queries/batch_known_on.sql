-- query
-- One row per batch that the run of a day knew: the last word on each by then.
-- key: batch_seq
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select batch_seq
from (
    select batch_seq, arg_max(known, (as_of_date, revision)) as known
    from "$recorded_batch" as recorded_batch
    where as_of_date <= $day
    group by batch_seq
)
where known
