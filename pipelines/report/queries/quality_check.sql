-- query
-- One row per quality check, its latest result: failed before passed, critical before advisory.
-- dialect: duckdb, marts are published as a DuckDB file
select *
from marts.quality
qualify
    row_number() over (
        partition by source, table_name, check_name, description
        order by batch_seq desc nulls last, passed
    ) = 1
order by passed, severity = 'critical' desc, source, table_name, check_name
