-- query
-- One row per column that a source of a canonical table ever brought, in lower case: as it was spelled first.
-- key: column_lower
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select lower(column_name) as column_lower, arg_min(column_name, file_id) as column_name
from ingest.file_column
where source in (select source from ingest.batch_table where table_name = $table)
group by lower(column_name)
