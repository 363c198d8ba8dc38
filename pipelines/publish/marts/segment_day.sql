-- step: marts.segment_day
-- One row per day, segmentation and segment: sizes and revenue over time, zero where nobody was in it.
-- basis 'recorded' was measured on the day, 'replayed' computed afterwards from what is known now.
-- effective_at of a recorded day is what it was on that day; of a replayed one, today's, but not after its end.
-- key: as_of_date, segmentation_id, segment_id
-- store: replace
with day as (
    select distinct as_of_date, segmentation_id, entity_kind, basis
    from segments.profile_day
    where as_of_date <= $as_of
),

wanted as (
    select d.as_of_date, d.segmentation_id, d.entity_kind, l.segment_id, d.basis
    from day as d
    inner join segments.label as l on l.segmentation_id = d.segmentation_id and l.entity_kind = d.entity_kind
    union
    select as_of_date, segmentation_id, entity_kind, segment_id, basis
    from segments.profile_day
    where as_of_date <= $as_of
)

select
    w.as_of_date,
    w.segmentation_id,
    w.entity_kind,
    w.segment_id,
    coalesce(l.segment_name, w.segment_id) as segment_name,
    coalesce(l.position, 999) as position,
    coalesce(p.members, 0) as members,
    coalesce(p.share, 0) as share,
    coalesce(p.customers, 0) as customers,
    coalesce(p.active_members_90d, 0) as active_members_90d,
    coalesce(p.revenue_30d, 0) as revenue_30d,
    coalesce(p.revenue_365d, 0) as revenue_365d,
    coalesce(p.revenue_share, 0) as revenue_share,
    p.margin_365d,
    coalesce(p.orders_365d, 0) as orders_365d,
    p.average_order_value,
    w.basis,
    case
        when w.basis = 'recorded' then r.effective_at
        when e.effective_at > cast(w.as_of_date + interval 1 day as timestamptz)
            then cast(w.as_of_date + interval 1 day as timestamptz)
        else e.effective_at
    end as effective_at
from wanted as w
left join segments.profile_day as p
    on p.as_of_date = w.as_of_date
    and p.segmentation_id = w.segmentation_id
    and p.entity_kind = w.entity_kind
    and p.segment_id = w.segment_id
left join segments.label as l
    on l.segmentation_id = w.segmentation_id and l.entity_kind = w.entity_kind and l.segment_id = w.segment_id
left join publish.part as e on e.kind = 'segmentation' and e.part = w.segmentation_id
left join publish.effective_day as r
    on r.as_of_date = w.as_of_date and r.segmentation_id = w.segmentation_id
