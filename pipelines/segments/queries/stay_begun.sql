-- query
-- One row per stay in a segment that begins on the day.
-- key: segmentation_id, segment_id, entity_id
select
    segmentation_id,
    segment_id,
    $entity as entity_kind,
    entity_id,
    cast($day as date) as entered_date,
    cast(null as date) as left_date,
    definition_version
from segments.membership_event
where as_of_date = $day and revision = $revision and entity_kind = $entity and event = 'enter'
