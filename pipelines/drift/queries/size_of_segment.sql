-- query
-- One row per segment of the customers: its size on the baseline day and on the day that is judged.
select
    segmentation_id,
    count(*) filter (where as_of_date = $baseline) as n_baseline,
    count(*) filter (where as_of_date = $as_of) as n_current
from segments.assignment
where as_of_date in ($baseline, $as_of) and entity_kind = 'customer'
group by segmentation_id, segment_id
order by segmentation_id, segment_id
