-- query
-- One row per move between segments over the last month; over the last run where no month is known yet.
-- dialect: duckdb, marts are published as a DuckDB file
select *
from marts.segment_movement
where segmentation_id = $id
qualify
    dense_rank() over (order by if(period = 'four_weeks', 0, 1), to_date desc, from_date desc) = 1
