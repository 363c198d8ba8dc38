-- query
-- One row per segment that a member entered or left in a span of days, the newest first. Of a day recorded more than
-- once the last revision counts.
-- key: segmentation_id, as_of_date, event, segment_id
select e.segmentation_id, e.as_of_date, e.event, e.segment_id, e.definition_version
from segments.membership_event as e
join (
    select as_of_date, max(revision) as revision from segments.recorded_day group by as_of_date
) as r on r.as_of_date = e.as_of_date and r.revision = e.revision
where e.entity_kind = $entity and e.entity_id = $id and e.as_of_date between $first_date and $last_date
order by e.as_of_date desc, e.segmentation_id, e.event, e.segment_id
