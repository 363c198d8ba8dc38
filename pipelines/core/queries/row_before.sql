-- query
-- One row per change of a key in the record: the row as it was before, since which day and until which. A column that
-- the change does not name is what the next change that names it says, or what it is now.
-- dialect: duckdb, the record is DuckDB's own
with change as (
    select
        c.row_key,
        c.change_seq,
        any_value(c.changed_on) as changed_on,
        bool_or(c.event = 'came') as is_absent,
        "$said"
    from history.attribute_change as c
    where c.table_name = $table and len(c.row_key) = $width
    group by c.row_key, c.change_seq
),

filled as (
    select
        row_key,
        changed_on,
        is_absent,
        lag(changed_on) over (partition by row_key order by change_seq) as since,
        "$following"
    from change
    window following as (
        partition by row_key order by change_seq rows between current row and unbounded following
    )
)

select
    "$value",
    f.since as _since,
    f.changed_on as _until,
    f.is_absent as _absent
from filled as f
left join "$now" as n on "$same"
