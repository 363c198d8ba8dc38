-- query
-- One row per source, table, reason and column why rows were set aside, the most frequent reason first.
-- key: source, table_name, reason, column_name
-- dialect: duckdb, marts are published as a DuckDB file
select source, table_name, reason, column_name, sum("rows") as affected, any_value(samples) as samples
from marts.quarantine_reason
group by all
order by affected desc, source, table_name, reason
