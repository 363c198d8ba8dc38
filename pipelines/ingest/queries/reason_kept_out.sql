-- query
-- One row per source, table, reason and column of the rows in quarantine: counts and files, no values.
-- key: source, table_name, reason, column_name, batch_status
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select
    source,
    table_name,
    reason,
    column_name,
    batch_status,
    count(*) as rows,
    min(batch_seq) as first_batch,
    max(batch_seq) as last_batch,
    arg_min(file, (batch_seq, file)) as first_file,
    arg_max(file, (batch_seq, file)) as last_file
from "$kept_out" as kept_out
where stands or $everything
group by all
order by source, table_name, rows desc, reason, column_name, batch_status
