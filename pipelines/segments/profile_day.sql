-- step: segments.profile_day
-- One row per day, segmentation and segment: how large it is and what its members brought by then.
-- A segment without members has no row here; the marts add it with zero. `customers` is how many customers the
-- members are, or have as accounts. The margin of a segment is known when it is known of each member with a customer.
-- Shares are of all members of the kind: where segments overlap, or leave members out, they need not add up to 1.
-- key: as_of_date, segmentation_id, segment_id
-- store: partition as_of_date
with figure as (
    select
        'customer' as entity_kind,
        customer_id as entity_id,
        cast(1 as bigint) as customers,
        purchase_days_90d > 0 as is_active,
        revenue_30d,
        revenue_365d,
        margin_365d,
        margin_365d is null as lacks_margin,
        orders_365d,
        purchase_days_365d,
        recency_days
    from features.customer
    where as_of_date = $as_of
    union all
    select
        'account' as entity_kind,
        account_id as entity_id,
        members as customers,
        active_members_90d > 0 as is_active,
        revenue_30d,
        revenue_365d,
        margin_365d,
        members > 0 and margin_365d is null as lacks_margin,
        orders_365d,
        cast(null as bigint) as purchase_days_365d,
        recency_days
    from features.account
    where as_of_date = $as_of
),

segment as (
    select
        a.segmentation_id,
        a.segment_id,
        a.entity_kind,
        count(*) as members,
        cast(sum(f.customers) as bigint) as customers,
        cast(count_if(f.is_active) as bigint) as active_members_90d,
        cast(sum(f.revenue_30d) as decimal(18, 4)) as revenue_30d,
        cast(sum(f.revenue_365d) as decimal(18, 4)) as revenue_365d,
        case
            when count_if(f.lacks_margin) = 0 then cast(coalesce(sum(f.margin_365d), 0) as decimal(18, 4))
        end as margin_365d,
        cast(sum(f.orders_365d) as bigint) as orders_365d,
        avg(f.purchase_days_365d) as purchase_days_365d,
        avg(f.recency_days) as recency_days
    from segments.assignment as a
    inner join figure as f on f.entity_kind = a.entity_kind and f.entity_id = a.entity_id
    where a.as_of_date = $as_of
    group by a.segmentation_id, a.segment_id, a.entity_kind
),

everyone as (
    select entity_kind, count(*) as members, sum(revenue_365d) as revenue_365d
    from figure
    group by entity_kind
)

select
    cast($as_of as date) as as_of_date,
    s.segmentation_id,
    s.segment_id,
    s.entity_kind,
    s.members,
    cast(s.members as double) / e.members as share,
    s.customers,
    s.active_members_90d,
    s.revenue_30d,
    s.revenue_365d,
    cast(s.revenue_365d as double) / nullif(cast(e.revenue_365d as double), 0) as revenue_share,
    s.margin_365d,
    s.orders_365d,
    cast(cast(s.revenue_365d as double) / nullif(s.orders_365d, 0) as decimal(18, 4)) as average_order_value,
    s.purchase_days_365d,
    s.recency_days,
    $basis as basis
from segment as s
inner join everyone as e on e.entity_kind = s.entity_kind
