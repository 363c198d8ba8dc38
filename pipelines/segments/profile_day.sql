-- step: segments.profile_day
-- One row per day, segmentation and segment: how large it is and what it brought by then.
-- A segment without customers has no row here; the marts add it with zero. The margin of a segment is known
-- when it is known of each of its customers. Shares are of all customers: where segments overlap, or leave
-- customers out, they need not add up to 1.
-- key: as_of_date, segmentation_id, segment_id
-- store: partition as_of_date
with member as (
    select
        a.segmentation_id,
        a.segment_id,
        f.revenue_30d,
        f.revenue_365d,
        f.margin_365d,
        f.orders_365d,
        f.purchase_days_365d,
        f.recency_days,
        f.purchase_days_90d
    from segments.assignment as a
    inner join features.customer as f on f.customer_id = a.entity_id and f.as_of_date = a.as_of_date
    where a.as_of_date = $as_of and a.entity_kind = 'customer'
),

segment as (
    select
        segmentation_id,
        segment_id,
        count(*) as customers,
        cast(count_if(purchase_days_90d > 0) as bigint) as active_customers_90d,
        cast(sum(revenue_30d) as decimal(18, 4)) as revenue_30d,
        cast(sum(revenue_365d) as decimal(18, 4)) as revenue_365d,
        case when count(margin_365d) = count(*) then cast(sum(margin_365d) as decimal(18, 4)) end as margin_365d,
        cast(sum(orders_365d) as bigint) as orders_365d,
        avg(purchase_days_365d) as purchase_days_365d,
        avg(recency_days) as recency_days
    from member
    group by segmentation_id, segment_id
),

everyone as (
    select count(*) as customers, sum(revenue_365d) as revenue_365d from features.customer where as_of_date = $as_of
)

select
    cast($as_of as date) as as_of_date,
    s.segmentation_id,
    s.segment_id,
    s.customers,
    cast(s.customers as double) / e.customers as share,
    active_customers_90d,
    revenue_30d,
    s.revenue_365d,
    cast(s.revenue_365d as double) / nullif(cast(e.revenue_365d as double), 0) as revenue_share,
    margin_365d,
    orders_365d,
    cast(cast(s.revenue_365d as double) / nullif(orders_365d, 0) as decimal(18, 4)) as average_order_value,
    purchase_days_365d,
    recency_days,
    $basis as basis
from segment as s
cross join everyone as e
