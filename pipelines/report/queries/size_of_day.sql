-- query
-- One row per day and current segment of a segmentation, under the name it has now: daily for the last four weeks,
-- weekly before.
-- key: as_of_date, segment_id
-- dialect: duckdb, marts are published as a DuckDB file
with days as (
    select *, max(as_of_date) over () as newest from marts.segment_day where segmentation_id = $id
)

select d.as_of_date, d.segment_id, c.segment_name, c.position, d.members, d.basis
from days as d
join marts.segment_current as c using (segmentation_id, entity_kind, segment_id)
qualify
    row_number() over (
        partition by
            d.segment_id,
            if(d.as_of_date > d.newest - 28, d.as_of_date, date_trunc('week', d.as_of_date)::date)
        order by d.as_of_date desc, d.basis
    ) = 1
order by d.as_of_date, c.position
