-- query
-- One row per rejected batch with a file that was not sent again since, the oldest first.
-- key: batch_seq
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select
    b.batch_seq,
    b.source,
    b.landed_at,
    b.files,
    b.reason,
    (select min(f.path) from ingest.file as f where f.batch_seq = b.batch_seq) as first_file
from ingest.batch as b
where
    b.status = 'rejected'
    and ($source is null or b.source = $source)
    and exists (
        select 1
        from ingest.file as f
        where
            f.batch_seq = b.batch_seq
            and not exists (
                select 1
                from ingest.file as later
                where later.source = f.source and later.path = f.path and later.file_id > f.file_id
            )
    )
order by b.batch_seq
