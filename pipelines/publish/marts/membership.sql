-- step: marts.membership
-- One row per stay of a customer or account in a segment, [entered_date, left_date); open while left_date is NULL.
-- entity_id is a customer_id where entity_kind is 'customer', an account_id where it is 'account'.
-- key: segmentation_id, segment_id, entity_kind, entity_id, entered_date
-- store: replace
select
    m.segmentation_id,
    m.segment_id,
    m.entity_kind,
    m.entity_id,
    m.entered_date,
    m.left_date,
    m.definition_version,
    e.effective_at
from segments.membership as m
left join publish.part as e on e.kind = 'segmentation' and e.part = m.segmentation_id
