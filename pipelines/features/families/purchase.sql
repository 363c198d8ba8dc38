-- fragment: features.customer_state
-- One row per customer with a purchase by $as_of: when, how often, how much, and in what rhythm.
-- Windows end with that day: 30 days are the day and the 29 before it ($from_30). Nothing later is read.
-- The spread of gaps comes from whole numbers, so that it does not depend on the order of the rows.
-- key: customer_id
with purchase as (
    select
        d.customer_id,
        d.business_date,
        d.orders,
        d.orders_with_lines,
        d.lines,
        d.revenue,
        d.discount,
        d.coupon_discount,
        d.cost,
        d.revenue_without_cost,
        date_diff(
            'day',
            lag(d.business_date) over (partition by d.customer_id order by d.business_date),
            d.business_date
        ) as gap_days
    from features.customer_day as d
    where d.business_date <= $as_of and d.orders > 0
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
        cast(
            coalesce(sum(orders_with_lines) filter (where business_date >= $from_365), 0) as bigint
        ) as orders_with_lines_365d,
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
        coalesce(
            sum(revenue - revenue_without_cost - cost) filter (where business_date >= $from_365), 0
        ) as margin_from_cost,
        cast(
            coalesce(sum(revenue_without_cost) filter (where business_date >= $from_365), 0) as double
        ) as revenue_without_cost,
        count_if(revenue_without_cost <> 0 and business_date >= $from_365) as days_without_cost,
        cast(count(gap_days) as bigint) as gaps,
        cast(sum(gap_days) as bigint) as gap_days,
        cast(sum(gap_days * gap_days) as bigint) as gap_squares
    from purchase
    group by customer_id
)

select
    customer_id,
    first_purchase_date,
    last_purchase_date,
    purchase_days_lifetime,
    purchase_days_30d,
    purchase_days_90d,
    purchase_days_365d,
    orders_lifetime,
    orders_30d,
    orders_90d,
    orders_365d,
    revenue_lifetime,
    revenue_30d,
    revenue_90d,
    revenue_365d,
    case
        when days_without_cost = 0 then cast(margin_from_cost as decimal(18, 4))
        else cast(
            cast(margin_from_cost as decimal(18, 4))
            + cast(cast($margin_rate as double) * revenue_without_cost as decimal(18, 4))
            as decimal(18, 4)
        )
    end as _margin_365d,
    cast(revenue_365d as double) / nullif(orders_365d, 0) as average_order_value_365d,
    cast(lines_365d as double) / nullif(orders_with_lines_365d, 0) as lines_per_order_365d,
    discount_365d / nullif(discount_365d + cast(revenue_365d as double), 0) as discount_share_365d,
    coupon_discount_365d / nullif(cast(revenue_365d as double), 0) as coupon_share_365d,
    cast(gap_days as double) / nullif(gaps, 0) as purchase_gap_days_mean,
    sqrt(
        cast(gaps * gap_squares - gap_days * gap_days as double) / nullif(gaps * (gaps - 1), 0)
    ) as purchase_gap_days_sd,
    gaps as _gaps,
    gap_days as _gap_days
from total
