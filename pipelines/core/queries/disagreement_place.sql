-- query
-- One row per place where two sources disagree, the first few: the column, and both places, file and row.
-- dialect: duckdb, the ledger of files is DuckDB's own
select d.column_name || ': ' || f.path || ':' || d.row_at || ' and ' || g.path || ':' || d.other_row_at as place
from "$disagreement" as d
join ingest.file as f on f.file_id = d.file_id
join ingest.file as g on g.file_id = d.other_file_id
order by d.column_name, f.path, d.row_at, g.path, d.other_row_at
limit $samples
