-- marts.membership
-- One row per stay of a customer in a segment, [entered_date, left_date); open while left_date is NULL.
-- key: segmentation_id, segment_id, customer_id, entered_date
-- store: replace
-- inputs: segments.membership
select
    segmentation_id,
    segment_id,
    entity_id as customer_id,
    entered_date,
    left_date,
    definition_version,
    (select effective_at from marts.run) as effective_at
from segments.membership
where entity_kind = 'customer'
