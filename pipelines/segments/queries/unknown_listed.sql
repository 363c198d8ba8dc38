-- query
-- One row per list of a segmentation with ids that are no member of the day: how many of how many.
-- key: segment_id
select segment_id, count(*) as listed, count(*) filter (where f."$key" is null) as unknown
from segments.list_member as l
left join (select "$key" from "$features" as feature where as_of_date = $day) as f on f."$key" = l.entity_id
where segmentation_id = $id
group by segment_id
having count(*) filter (where f."$key" is null) > 0
order by segment_id
