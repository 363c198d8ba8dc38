-- query
-- One row per source and table with its newest day, those past a limit first.
-- dialect: duckdb, marts are published as a DuckDB file
select *
from marts.freshness
order by
    case status when 'failed' then 0 when 'stale' then 1 when 'no data' then 2 when 'fresh' then 3 else 4 end,
    source,
    table_name
