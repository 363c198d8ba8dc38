-- query
-- One row per faulty row of a stage, as it landed.
-- key: file, row_number
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select
    s._batch_seq as batch_seq,
    $source as source,
    $table as table_name,
    f.path as file,
    s._row as row_number,
    s._fault_reason as reason,
    s._fault_column as column_name,
    cast(to_json(_landed_row) as varchar) as content
from "$stage" as s
join "$raw" as _landed_row on _landed_row._file_id = s._file_id and _landed_row._row = s._row
join ingest.file as f on f.file_id = s._file_id
where s._fault_reason is not null
