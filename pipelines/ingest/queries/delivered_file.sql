-- query
-- One row per file that counts as delivered: current in an accepted batch, or of the batch `$seq` itself.
-- A batch that replaces a file of another stands for what is left of that one too.
-- key: file_id
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with mine as (
    select path from ingest.file where batch_seq = $seq
),

touched as (
    select distinct batch_seq
    from ingest.file
    where source = $source and (batch_seq = $seq or path in (select path from mine))
)

select f.file_id, case when t.batch_seq is null then f.batch_seq else $seq end as delivery
from ingest.file as f
join ingest.batch as b on b.batch_seq = f.batch_seq
left join touched as t on t.batch_seq = f.batch_seq
where
    f.source = $source
    and (
        f.batch_seq = $seq
        or (f.current and b.status = 'accepted' and f.path not in (select path from mine))
    )
