-- query
-- One row per key and column whose value is another now than before; of a key that went one per column it had, and of
-- one that went or came again one without a column besides. A key that comes for the first time is no change.
-- key: row_key, column_name
-- dialect: duckdb, a row is turned into columns by lists
with paired as (
    select "$named", w._there as was_there, n._there as is_there, n._batch_seq as batch_seq, "$compared"
    from "$was" as w
    full join "$now" as n on "$same"
),

compared_value as (
    select row_key, is_there, batch_seq, unnest(compared) as value
    from paired
    where was_there
),

there_before as (
    select unit_key from "$units" as u
    union
    select row_key[1:$unit_width] as unit_key
    from history.attribute_change
    where table_name = $table
)

select
    row_key,
    case when is_there then 'changed' else 'went' end as event,
    value.name as column_name,
    value.was as value_before,
    case when is_there then value.now end as value_after,
    batch_seq
from compared_value
where is_there is null or value.was is distinct from value.now
union all
select row_key, 'went' as event, null as column_name, null as value_before, null as value_after, batch_seq
from paired
where is_there is null
union all
select row_key, 'came' as event, null as column_name, null as value_before, null as value_after, batch_seq
from paired
semi join there_before as t on t.unit_key = row_key[1:$unit_width]
where was_there is null
