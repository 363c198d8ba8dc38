-- query
-- One row per segment that a member stands in at the end of a played day, with the day they entered.
-- key: segmentation_id, entity_id, segment_id
select p.segmentation_id, p.entity_id, p.segment_id, coalesce(s.entered_date, $day) as entered_date
from "$places" as p
left join segments.standing as s using (segmentation_id, segment_id, entity_id)
