-- step: marts.audience
-- One row per customer and segment on the day of the run: what downstream tools receive. Where segments exclude
-- each other a customer has one row a segmentation, where they overlap one for each, or none.
-- key: segmentation_id, segment_id, customer_id
-- store: replace
select
    m.entity_id as customer_id,
    m.segmentation_id,
    m.segment_id,
    l.segment_name,
    m.entered_date,
    cast($as_of as date) as as_of_date,
    e.effective_at
from segments.membership as m
inner join segments.label as l on l.segmentation_id = m.segmentation_id and l.segment_id = m.segment_id
left join publish.part as e on e.kind = 'segmentation' and e.part = m.segmentation_id
where m.left_date is null and m.entity_kind = 'customer'
