-- query
-- One row per segment of a dry assignment and segment of the record of the day that share members: how many.
-- key: segment_id, other_segmentation_id, other_segment_id
with mine as (
    select segment_id, entity_id from "$membership" as membership
),

theirs as (
    select segmentation_id, segment_id, entity_id
    from "$recorded" as recorded
    where as_of_date = $day and entity_kind = $entity
),

mine_size as (
    select segment_id, count(*) as size from mine group by segment_id
),

theirs_size as (
    select segmentation_id, segment_id, count(*) as size from theirs group by segmentation_id, segment_id
)

select
    m.segment_id,
    t.segmentation_id as other_segmentation_id,
    t.segment_id as other_segment_id,
    any_value(a.size) as size,
    any_value(b.size) as other_size,
    count(*) as shared
from mine as m
join theirs as t on t.entity_id = m.entity_id
join mine_size as a on a.segment_id = m.segment_id
join theirs_size as b on b.segmentation_id = t.segmentation_id and b.segment_id = t.segment_id
where list_contains($wanted, m.segment_id)
group by m.segment_id, t.segmentation_id, t.segment_id
