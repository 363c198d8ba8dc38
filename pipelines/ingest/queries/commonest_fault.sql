-- query
-- The most frequent fault of a stage's rows, and how many have it.
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select _fault_reason, _fault_column, count(*) as found
from "$stage"
where _fault_reason is not null
group by all
order by found desc, _fault_reason, _fault_column
limit 1
