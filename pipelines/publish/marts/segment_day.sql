-- marts.segment_day
-- One row per day, segmentation and segment: sizes and revenue over time.
-- basis 'recorded' was measured on the day, 'replayed' computed afterwards from what is known now.
-- key: as_of_date, segmentation_id, segment_id
-- store: replace
-- inputs: segments.profile_day, segments.label
select
    p.as_of_date,
    p.segmentation_id,
    p.segment_id,
    coalesce(l.segment_name, p.segment_id) as segment_name,
    coalesce(l.position, 999) as position,
    p.customers,
    p.share,
    p.active_customers_90d,
    p.revenue_30d,
    p.revenue_365d,
    p.revenue_share,
    p.margin_365d,
    p.orders_365d,
    p.average_order_value,
    p.basis
from segments.profile_day as p
left join segments.label as l on l.segmentation_id = p.segmentation_id and l.segment_id = p.segment_id
where p.as_of_date <= $as_of
