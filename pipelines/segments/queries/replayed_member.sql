-- query
-- One row per segment that a member of an entity stands in on a replayed day.
-- key: as_of_date, segmentation_id, segment_id, entity_kind, entity_id
select cast($day as date) as as_of_date, segmentation_id, segment_id, cast($entity as varchar) as entity_kind, entity_id
from "$places" as place
