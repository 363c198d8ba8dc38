-- query
-- One row per segment that a member of an entity enters or leaves on the day.
-- key: segmentation_id, segment_id, entity_id, event
-- dialect: duckdb, the record is DuckDB's own
select
    segmentation_id,
    segment_id,
    $entity as entity_kind,
    entity_id,
    $day as as_of_date,
    event,
    definition_version,
    $run_id as run_id,
    $revision as revision
from "$change" as change
join (
    select unnest($ids::varchar[]) as segmentation_id, unnest($versions::varchar[]) as definition_version
) using (segmentation_id)
order by all
