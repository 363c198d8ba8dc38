-- query
-- One row per batch that became known, or was withdrawn, since it was last recorded.
-- key: batch_seq
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with last as (
    select batch_seq, arg_max(known, (as_of_date, revision)) as known
    from segments.recorded_batch
    group by batch_seq
),

standing as (
    select batch_seq, true as known from ingest.batch where status = 'accepted'
)

select $day as as_of_date, $revision as revision, batch_seq, coalesce(s.known, false) as known
from standing as s
full join last as l using (batch_seq)
where coalesce(s.known, false) <> coalesce(l.known, false)
order by batch_seq
