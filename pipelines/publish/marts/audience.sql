-- step: marts.audience
-- One row per customer or account and segment on the day of the run: what downstream tools receive. Where segments
-- exclude each other a member has one row a segmentation, where they overlap one for each, or none. entity_id is a
-- customer_id where entity_kind is 'customer', an account_id where it is 'account'.
-- key: segmentation_id, segment_id, entity_kind, entity_id
-- store: replace
select
    m.entity_kind,
    m.entity_id,
    m.segmentation_id,
    m.segment_id,
    l.segment_name,
    m.entered_date,
    cast($as_of as date) as as_of_date,
    e.effective_at
from segments.membership as m
inner join segments.label as l
    on l.segmentation_id = m.segmentation_id and l.segment_id = m.segment_id and l.entity_kind = m.entity_kind
left join publish.part as e on e.kind = 'segmentation' and e.part = m.segmentation_id
where m.left_date is null
