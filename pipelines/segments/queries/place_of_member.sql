-- query
-- One row per member of the day that is asked for and segment they stand in; no segment where they stand in none.
-- key: entity_id, segment_id
select e.entity_id, m.segment_id
from (select entity_id from "$everyone" as everyone where entity_id in (select unnest($ids))) as e
left join (
    select segment_id, entity_id
    from "$membership" as membership
    where entity_id in (select unnest($ids))
) as m on m.entity_id = e.entity_id
