-- query
-- One row per member of the day that is asked for, with the segments they stand in.
-- key: entity_id
-- dialect: duckdb, the segments as a list in an order
select
    e.entity_id,
    coalesce(list(m.segment_id order by m.segment_id) filter (where m.segment_id is not null), []) as segments
from (select entity_id from "$everyone" as everyone where entity_id in (select unnest($ids))) as e
left join (
    select segment_id, entity_id
    from "$membership" as membership
    where entity_id in (select unnest($ids))
) as m on m.entity_id = e.entity_id
group by e.entity_id
