-- query
-- One row per place of a row with an id that is written like another, the first few.
-- key: path, _row
-- dialect: duckdb, the ledger of files is DuckDB's own
select path, _row
from "$table" as t
join ingest.file as f on f.file_id = t._file_id
where t."$column" in (select id from alike_id)
order by path, _row
limit $samples
