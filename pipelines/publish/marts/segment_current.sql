-- step: marts.segment_current
-- One row per segment on the day of the run, empty ones included, beside the previous recorded day. entity_kind says
-- whether its members are customers or accounts. Where segments overlap (exclusive is false), sizes and shares need
-- not add up to all members.
-- key: segmentation_id, segment_id
-- store: replace
with now as (select * from segments.profile_day where as_of_date = $as_of),

before as (select * from segments.profile_day where as_of_date = $previous_date and basis = 'recorded'),

moved as (
    select
        segmentation_id,
        segment_id,
        entity_kind,
        cast(count_if(entered_date = $as_of) as bigint) as entered,
        cast(count_if(left_date = $as_of) as bigint) as departed
    from segments.membership
    group by segmentation_id, segment_id, entity_kind
)

select
    l.segmentation_id,
    l.segmentation_name,
    l.entity_kind,
    l.segment_id,
    l.segment_name,
    l.description,
    l.position,
    l.exclusive,
    coalesce(n.members, 0) as members,
    coalesce(n.share, 0) as share,
    coalesce(n.customers, 0) as customers,
    coalesce(n.active_members_90d, 0) as active_members_90d,
    coalesce(n.revenue_365d, 0) as revenue_365d,
    coalesce(n.revenue_share, 0) as revenue_share,
    n.margin_365d,
    coalesce(n.orders_365d, 0) as orders_365d,
    n.average_order_value,
    n.purchase_days_365d,
    n.recency_days,
    case when $previous_date is not null then coalesce(b.members, 0) end as members_before,
    case
        when $previous_date is not null then coalesce(n.members, 0) - coalesce(b.members, 0)
    end as change,
    case when $previous_date is not null then coalesce(m.entered, 0) end as entered,
    case when $previous_date is not null then coalesce(m.departed, 0) end as departed,
    cast($as_of as date) as as_of_date,
    cast($previous_date as date) as previous_date,
    e.effective_at
from segments.label as l
left join now as n
    on n.segmentation_id = l.segmentation_id and n.segment_id = l.segment_id and n.entity_kind = l.entity_kind
left join before as b
    on b.segmentation_id = l.segmentation_id and b.segment_id = l.segment_id and b.entity_kind = l.entity_kind
left join moved as m
    on m.segmentation_id = l.segmentation_id and m.segment_id = l.segment_id and m.entity_kind = l.entity_kind
left join publish.part as e on e.kind = 'segmentation' and e.part = l.segmentation_id
