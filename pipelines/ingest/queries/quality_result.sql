-- query
-- One row per check of a batch of a source, by default of its newest judged one, with the places it found.
-- key: table_name, check_name
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select
    table_name,
    check_name,
    description,
    severity,
    passed,
    unexpected_count,
    element_count,
    (
        select list(sample order by position)
        from quality.sample as s
        where
            s.batch_seq = r.batch_seq
            and s.source = r.source
            and s.table_name = r.table_name
            and s.check_name = r.check_name
    ) as samples
from quality.result as r
where
    source = $source
    and batch_seq = coalesce($seq, (select max(batch_seq) from quality.result where source = $source))
