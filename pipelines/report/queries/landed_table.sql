-- query
-- One row per source and table that landed: what became of its rows. Those of a rejected batch are counted apart.
-- key: source, table_name
-- dialect: duckdb, marts are published as a DuckDB file
with batches as (
    select
        *,
        coalesce(rows_landed, 0) as landed,
        coalesce(rows_accepted, 0) as accepted,
        coalesce(rows_quarantined, 0) as quarantined,
        coalesce(rows_repeated, 0) as repeated,
        coalesce(rows_conflicting, 0) as conflicting,
        coalesce(rows_superseded, 0) as superseded,
        coalesce(rows_deleted, 0) as deleted,
        coalesce(keys_vanished, 0) as vanished,
        landed - accepted - quarantined - repeated - conflicting - superseded - deleted as left_over
    from marts.batch
)

select
    source,
    table_name,
    count(*) as batches,
    sum(files) as files,
    max(landed_at) as landed_at,
    sum(landed) as landed,
    sum(accepted) as accepted,
    sum(quarantined) as quarantined,
    sum(repeated) as repeated,
    sum(conflicting) as conflicting,
    sum(superseded) as superseded,
    sum(deleted) as deleted,
    sum(vanished) as vanished,
    sum(if(status = 'rejected', left_over, 0)) as rejected,
    sum(if(status = 'rejected', 0, left_over)) as missing
from batches
group by all
order by source, table_name
