-- query
-- One row per member who moves, where segments exclude each other: from where, to where.
-- key: entity_id
select
    entity_id,
    max(segment_id) filter (where was) as came,
    max(segment_id) filter (where is_now) as goes,
    any_value(worth) as worth
from dry_sides
where was <> is_now
group by entity_id
