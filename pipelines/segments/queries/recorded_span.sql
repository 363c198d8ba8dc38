-- query
-- One row per segmentation, and per segment of it: from when to when it was recorded, up to a day.
-- key: segmentation_id, segment_id
with effective as (
    select * from "$definition_in_force" as definition where as_of_date <= $until
),

segment as (
    select segmentation_id, unnest(segments) as segment_id, as_of_date from effective
)

select
    segmentation_id,
    cast(null as varchar) as segment_id,
    min(as_of_date) as first_date,
    max(as_of_date) as last_date
from effective
group by segmentation_id
union all
select segmentation_id, segment_id, min(as_of_date) as first_date, max(as_of_date) as last_date
from segment
group by segmentation_id, segment_id
