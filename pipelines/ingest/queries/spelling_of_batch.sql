-- query
-- One row per file of a batch and column of it, as the file spells it.
-- key: path, column_name
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select path, column_name
from ingest.file_column
join ingest.file using (file_id)
where file_column.batch_seq = $seq
order by path, column_name
