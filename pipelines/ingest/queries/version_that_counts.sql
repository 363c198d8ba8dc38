-- query
-- One row per path that a batch has a file of and an accepted one exists for: the newest accepted version.
-- key: file_id
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select max(f.file_id) as file_id
from ingest.file as f
join ingest.batch as b using (batch_seq)
where
    b.status = 'accepted'
    and (f.source, f.path) in (select (source, path) from ingest.file where batch_seq = $seq)
group by f.source, f.path
