-- step: marts.drift
-- One row per check: how far a segment's share or a feature has moved since four weeks before.
-- key: measure, segmentation_id, segment_id, feature
-- store: replace
select d.*, l.segment_name
from drift.verdict as d
left join segments.label as l on l.segmentation_id = d.segmentation_id and l.segment_id = d.segment_id
where d.as_of_date = $as_of
