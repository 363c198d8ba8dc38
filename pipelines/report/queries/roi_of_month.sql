-- query
-- One row per segment and month, of the last 14 months, the oldest first.
-- dialect: duckdb, marts are published as a DuckDB file
select *
from marts.roi_month
where segmentation_id = $id
qualify dense_rank() over (order by month desc) <= 14
order by month, position
