-- query
-- One row per accepted batch and canonical table: how many of its rows went where.
-- key: source, batch_seq, table_name
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select
    source,
    batch_seq,
    table_name,
    rows_landed,
    rows_accepted,
    rows_quarantined,
    rows_repeated,
    rows_conflicting,
    rows_superseded,
    coalesce(rows_deleted, 0) as rows_deleted
from ingest.batch_table
semi join (select batch_seq from ingest.batch where status = 'accepted') as b using (batch_seq)
left join ingest.batch_deletion using (batch_seq, source, table_name)
order by all
