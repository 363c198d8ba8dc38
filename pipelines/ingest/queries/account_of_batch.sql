-- query
-- One row per canonical table of a batch: how many of its rows went where.
-- key: table_name
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select
    table_name,
    rows_landed,
    rows_accepted,
    rows_quarantined,
    rows_repeated,
    rows_conflicting,
    rows_superseded,
    coalesce(rows_deleted, 0) as rows_deleted
from ingest.batch_table
left join ingest.batch_deletion using (batch_seq, source, table_name)
where batch_seq = $seq
order by table_name
