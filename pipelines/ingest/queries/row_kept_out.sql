-- query
-- One row per row in quarantine with what it holds, the oldest first.
-- key: file, row_number, table_name
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select batch_seq, batch_status, source, table_name, file, row_number, reason, column_name, content
from "$kept_out" as kept_out
where stands or $everything
order by batch_seq, file, row_number, table_name
limit $limit
