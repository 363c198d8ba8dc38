-- query
-- The last batch of a source, whatever its verdict; but not a rejected one whose files are all gone.
-- key: batch_seq
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select b.*
from ingest.batch as b
where
    source = $source
    and (
        status = 'accepted'
        or exists (
            select 1
            from ingest.file as f
            where f.batch_seq = b.batch_seq and f.path in (select unnest($standing))
        )
    )
order by batch_seq desc
limit 1
