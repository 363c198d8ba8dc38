-- query
-- One row per source and table of the accepted batches: what became of their rows.
-- key: source, table_name
-- dialect: duckdb, marts are published as a DuckDB file
select
    source,
    table_name,
    sum(rows_landed) as landed,
    sum(rows_accepted) as accepted,
    sum(rows_quarantined) as quarantined,
    sum(rows_repeated) as repeated,
    sum(rows_conflicting) as conflicting,
    sum(rows_superseded) as superseded,
    sum(rows_deleted) as deleted,
    sum(keys_vanished) as vanished
from marts.batch
where status = 'accepted'
group by source, table_name
order by source, table_name
