-- query
-- One row per member and segment of either of two dry assignments: whether they stood there, and whether they do now.
-- key: segment_id, entity_id
select s.*, "$worth" as worth
from (
    select
        coalesce(b.segment_id, a.segment_id) as segment_id,
        coalesce(b.entity_id, a.entity_id) as entity_id,
        b.entity_id is not null as was,
        a.entity_id is not null as is_now
    from "$before" as b
    full join "$after" as a on a.entity_id = b.entity_id and a.segment_id = b.segment_id
) as s
left join "$features" as f on f."$key" = s.entity_id and f.as_of_date = $day
