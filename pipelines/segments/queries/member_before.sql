-- query
-- One row per segment that a member stood in at the end of the day before `"$day"`.
-- key: segmentation_id, entity_id, segment_id
select segmentation_id, entity_id, segment_id, entered_date
from segments.membership
where "$judged" and entered_date < "$day" and (left_date is null or left_date >= "$day")
