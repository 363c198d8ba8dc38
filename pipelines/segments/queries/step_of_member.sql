-- query
-- One row per segment that a member enters or leaves, where segments may overlap.
select
    entity_id,
    case when was then segment_id end as came,
    case when is_now then segment_id end as goes,
    worth
from dry_sides
where was <> is_now
