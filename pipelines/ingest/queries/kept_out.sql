-- query
-- One row per row in quarantine that is asked for. It `stands` there while its file counts: of an accepted batch and
-- not replaced, or of a rejected batch and not sent again since.
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with newest as (
    select max(file_id) as file_id from ingest.file group by source, path
)

select
    q.*,
    b.status as batch_status,
    coalesce(f.current, false) and b.status = 'accepted'
    or b.status = 'rejected' and newest.file_id is not null as stands
from quarantine.row as q
join ingest.batch as b on b.batch_seq = q.batch_seq
left join ingest.file as f on f.batch_seq = q.batch_seq and f.path = q.file
left join newest on newest.file_id = f.file_id
where
    ($source is null or q.source = $source)
    and ($table is null or q.table_name = $table)
    and ($reason is null or q.reason = $reason)
    and ($batch is null or q.batch_seq = $batch)
