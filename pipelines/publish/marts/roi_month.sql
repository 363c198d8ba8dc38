-- step: marts.roi_month
-- One row per month, segmentation and segment: attributed ROI beside the previous one's.
-- key: month, segmentation_id, segment_id
-- store: replace
select
    r.*,
    coalesce(l.segment_name, r.segment_id) as segment_name,
    coalesce(l.position, 999) as position,
    e.effective_at
from roi.segment_month as r
left join segments.label as l on l.segmentation_id = r.segmentation_id and l.segment_id = r.segment_id
left join publish.part as e on e.kind = 'segmentation' and e.part = r.segmentation_id
