-- query
-- One row per stay of a member in a segment, with what the segment is called today, the newest first.
-- key: segmentation_id, segment_id, entered_date
-- dialect: duckdb, marts are published as a DuckDB file
select
    m.segmentation_id,
    m.segment_id,
    coalesce(c.segment_name, m.segment_id) as segment_name,
    m.entered_date,
    m.left_date,
    m.definition_version,
    c.description
from marts.membership as m
left join marts.segment_current as c using (segmentation_id, entity_kind, segment_id)
where m.entity_kind = $entity and m.entity_id = $id
order by m.segmentation_id, m.entered_date desc
