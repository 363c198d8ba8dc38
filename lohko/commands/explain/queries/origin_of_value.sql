-- query
-- One row per column of a member that has a value: the source that gave it, and where it stands, file and row.
-- key: column_name
-- dialect: duckdb, the ledger of files is DuckDB's own
select p.column_name, p._source as source, f.path, p._row as row_at
from "$provenance" as p
join ingest.file as f on f.file_id = p._file_id
where p."$key" = $id
order by p.column_name
