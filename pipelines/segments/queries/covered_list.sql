-- query
-- One row per list of a segmentation: how many ids it has, and how many of them are members of the day.
-- key: segment_id
select segment_id, count(*) as listed, count(f."$key") as known
from segments.list_member as l
left join (select "$key" from "$features" as feature where as_of_date = $day) as f on f."$key" = l.entity_id
where segmentation_id = $id
group by segment_id
order by segment_id
