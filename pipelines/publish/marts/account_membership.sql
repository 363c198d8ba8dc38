-- step: marts.account_membership
-- One row per stay of an account in a segment, [entered_date, left_date); open while left_date is NULL.
-- key: segmentation_id, segment_id, account_id, entered_date
-- store: replace
select
    m.segmentation_id,
    m.segment_id,
    m.entity_id as account_id,
    m.entered_date,
    m.left_date,
    m.definition_version,
    e.effective_at
from segments.membership as m
left join publish.part as e on e.kind = 'segmentation' and e.part = m.segmentation_id
where m.entity_kind = 'account'
