-- query
-- One row per raw row of some files, typed as a canonical table has it, with its first fault.
-- What is given, typed and judged is made from the mapping (pipelines/ingest/mapping.py).
-- key: _file_id, _row
-- dialect: duckdb, it holds whatever the mapping's author writes in DuckDB's SQL
with given as (
    select _batch_seq, _file_id, _row, _decimal, "$given"
    from "$raw"
    join (select file_id as _file_id, batch_seq as _batch_seq from ingest.file) using (_file_id)
    left join "$mark_of_file" as m using (_file_id)
    where _file_id in (select unnest($files))
),

typed as (
    select *, "$typed" from given
),

judged as (
    select *, "$judged" from typed
)

select
    _batch_seq,
    _file_id,
    _row,
    "$columns",
    split_part(_fault, '|', 1) as _fault_reason,
    split_part(_fault, '|', 2) as _fault_column
from judged
