-- features.customer
-- One row per customer and day: everything known of the customer at the end of day $as_of.
-- Windows end with that day: 30 days are the day and the 29 before it ($from_30). Nothing later is read.
-- A customer is who has ordered, was contacted, or stands in the CRM by then.
-- The spread of gaps comes from whole numbers, so that it does not depend on the order of the rows.
-- key: as_of_date, customer_id
-- store: partition as_of_date
-- inputs: features.customer_day, features.customer_category_day, money.orders, core.customers, core.campaigns, core.campaign_contacts
with crm as (
    select customer_id, created_on from core.customers where created_on is null or created_on <= $as_of
),

universe as (
    select customer_id from money.orders where business_date <= $as_of and customer_id is not null
    union
    select customer_id from crm
    union
    select c.customer_id
    from core.campaign_contacts as c
    inner join core.campaigns as g on g.campaign_id = c.campaign_id
    where coalesce(c.contacted_on, g.start_date) <= $as_of
),

purchase as (
    select
        customer_id,
        business_date,
        orders,
        lines,
        revenue,
        discount,
        coupon_discount,
        cost,
        date_diff(
            'day', lag(business_date) over (partition by customer_id order by business_date), business_date
        ) as gap_days
    from features.customer_day
    where business_date <= $as_of
),

total as (
    select
        customer_id,
        min(business_date) as first_purchase_date,
        max(business_date) as last_purchase_date,
        count(*) as purchase_days_lifetime,
        cast(count_if(business_date >= $from_30) as bigint) as purchase_days_30d,
        cast(count_if(business_date >= $from_90) as bigint) as purchase_days_90d,
        cast(count_if(business_date >= $from_365) as bigint) as purchase_days_365d,
        cast(sum(orders) as bigint) as orders_lifetime,
        cast(coalesce(sum(orders) filter (where business_date >= $from_30), 0) as bigint) as orders_30d,
        cast(coalesce(sum(orders) filter (where business_date >= $from_90), 0) as bigint) as orders_90d,
        cast(coalesce(sum(orders) filter (where business_date >= $from_365), 0) as bigint) as orders_365d,
        cast(coalesce(sum(lines) filter (where business_date >= $from_365), 0) as bigint) as lines_365d,
        cast(sum(revenue) as decimal(18, 4)) as revenue_lifetime,
        cast(coalesce(sum(revenue) filter (where business_date >= $from_30), 0) as decimal(18, 4)) as revenue_30d,
        cast(coalesce(sum(revenue) filter (where business_date >= $from_90), 0) as decimal(18, 4)) as revenue_90d,
        cast(
            coalesce(sum(revenue) filter (where business_date >= $from_365), 0) as decimal(18, 4)
        ) as revenue_365d,
        cast(coalesce(sum(discount) filter (where business_date >= $from_365), 0) as double) as discount_365d,
        cast(
            coalesce(sum(coupon_discount) filter (where business_date >= $from_365), 0) as double
        ) as coupon_discount_365d,
        case
            when count_if(cost is null and business_date >= $from_365) = 0
                then coalesce(sum(revenue - cost) filter (where business_date >= $from_365), 0)
        end as margin_from_cost,
        cast(count(gap_days) as bigint) as gaps,
        cast(sum(gap_days) as bigint) as gap_sum,
        cast(sum(gap_days * gap_days) as bigint) as gap_squares
    from purchase
    group by customer_id
),

category as (
    select
        customer_id,
        category,
        sum(revenue) as revenue,
        row_number() over (partition by customer_id order by sum(revenue) desc, category) as place,
        count(*) over (partition by customer_id) as categories_365d
    from features.customer_category_day
    where business_date between $from_365 and $as_of
    group by customer_id, category
),

store as (
    select
        customer_id,
        store_id,
        row_number() over (partition by customer_id order by count(*) desc, store_id) as place,
        count(*) over (partition by customer_id) as stores_365d
    from money.orders
    where business_date between $from_365 and $as_of and status = 'completed' and store_id is not null
    group by customer_id, store_id
)

select
    cast($as_of as date) as as_of_date,
    u.customer_id,
    crm.customer_id is not null as in_crm,
    least(crm.created_on, t.first_purchase_date) as customer_since_date,
    t.first_purchase_date,
    t.last_purchase_date,
    date_diff('day', t.last_purchase_date, cast($as_of as date)) as recency_days,
    date_diff('day', least(crm.created_on, t.first_purchase_date), cast($as_of as date)) as tenure_days,
    coalesce(t.purchase_days_lifetime, 0) as purchase_days_lifetime,
    coalesce(t.purchase_days_30d, 0) as purchase_days_30d,
    coalesce(t.purchase_days_90d, 0) as purchase_days_90d,
    coalesce(t.purchase_days_365d, 0) as purchase_days_365d,
    coalesce(t.orders_lifetime, 0) as orders_lifetime,
    coalesce(t.orders_30d, 0) as orders_30d,
    coalesce(t.orders_90d, 0) as orders_90d,
    coalesce(t.orders_365d, 0) as orders_365d,
    coalesce(t.revenue_lifetime, 0) as revenue_lifetime,
    coalesce(t.revenue_30d, 0) as revenue_30d,
    coalesce(t.revenue_90d, 0) as revenue_90d,
    coalesce(t.revenue_365d, 0) as revenue_365d,
    case
        when t.customer_id is null then cast(0 as decimal(18, 4))
        else coalesce(
            cast(t.margin_from_cost as decimal(18, 4)),
            cast(cast($margin_rate as double) * cast(t.revenue_365d as double) as decimal(18, 4))
        )
    end as margin_365d,
    cast(t.revenue_365d as double) / nullif(t.orders_365d, 0) as average_order_value_365d,
    cast(t.lines_365d as double) / nullif(t.orders_365d, 0) as lines_per_order_365d,
    t.discount_365d / nullif(t.discount_365d + cast(t.revenue_365d as double), 0) as discount_share_365d,
    t.coupon_discount_365d / nullif(cast(t.revenue_365d as double), 0) as coupon_share_365d,
    cast(t.gap_sum as double) / nullif(t.gaps, 0) as purchase_gap_days_mean,
    sqrt(
        cast(t.gaps * t.gap_squares - t.gap_sum * t.gap_sum as double) / nullif(t.gaps * (t.gaps - 1), 0)
    ) as purchase_gap_days_sd,
    cast(date_diff('day', t.last_purchase_date, cast($as_of as date)) * t.gaps as double)
    / nullif(t.gap_sum, 0) as recency_in_gaps,
    c.category as preferred_category,
    cast(c.revenue as double) / nullif(cast(t.revenue_365d as double), 0) as preferred_category_share_365d,
    coalesce(c.categories_365d, 0) as categories_365d,
    s.store_id as preferred_store,
    coalesce(s.stores_365d, 0) as stores_365d
from universe as u
left join total as t on t.customer_id = u.customer_id
left join category as c on c.customer_id = u.customer_id and c.place = 1
left join store as s on s.customer_id = u.customer_id and s.place = 1
left join crm on crm.customer_id = u.customer_id
