-- query
-- One row per check of drift of the latest day, the worst first.
-- dialect: duckdb, marts are published as a DuckDB file
select d.*, coalesce(c.segmentation_name, d.segmentation_id) as segmentation_name
from marts.drift as d
left join (
    select segmentation_id, any_value(segmentation_name) as segmentation_name
    from marts.segment_current
    group by all
) as c using (segmentation_id)
where as_of_date = (select max(as_of_date) from marts.drift)
order by
    case verdict when 'alert' then 0 when 'warn' then 1 when 'ok' then 3 else 2 end,
    psi desc nulls last,
    segmentation_id,
    segment_id,
    feature
