-- query
-- One row per recorded day and segmentation: its definition. Of a day recorded more than once the last revision counts.
-- key: as_of_date, segmentation_id
select as_of_date, segmentation_id, entity_kind, exclusive, definition_version, held, segments
from segments.definition_day
semi join (
    select as_of_date, max(revision) as revision from segments.recorded_day group by as_of_date
) as last using (as_of_date, revision)
