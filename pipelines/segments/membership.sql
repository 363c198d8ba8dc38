-- step: segments.membership
-- One row per stay of a customer in a segment: [entered_date, left_date), open while left_date is NULL.
-- Of a day recorded more than once, the last revision counts.
-- key: segmentation_id, segment_id, entity_kind, entity_id, entered_date
-- store: replace
with effective as (
    select e.*
    from segments.membership_event as e
    inner join (
        select as_of_date, max(revision) as revision from segments.recorded_day group by as_of_date
    ) as r on r.as_of_date = e.as_of_date and r.revision = e.revision
),

paired as (
    select
        segmentation_id,
        segment_id,
        entity_kind,
        entity_id,
        as_of_date,
        event,
        definition_version,
        lead(as_of_date) over (
            partition by segmentation_id, segment_id, entity_kind, entity_id order by as_of_date
        ) as next_date
    from effective
)

select
    segmentation_id,
    segment_id,
    entity_kind,
    entity_id,
    as_of_date as entered_date,
    next_date as left_date,
    definition_version
from paired
where event = 'enter'
