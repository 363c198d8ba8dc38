-- query
-- One row: how many members of the day stand in no segment, and how many in several.
select
    count(*) filter (where coalesce(m.segments, 0) = 0) as nowhere,
    count(*) filter (where m.segments > 1) as several
from "$everyone" as e
left join (
    select entity_id, count(*) as segments
    from "$membership" as membership
    group by entity_id
) as m on m.entity_id = e.entity_id
