-- features.customer_day
-- One row per customer and business day with a completed order: the state that features are made of.
-- Days are purchase days: several orders on one day are one. Where no source maps lines, the money stands
-- on the order. Only customers in features.scope are computed.
-- key: customer_id, business_date
-- store: partition customer_id
-- inputs: money.orders, money.order_lines, features.scope
with purchase as (
    select o.order_id, o.customer_id, o.business_date, o.revenue, o.discount, o.coupon_discount
    from money.orders as o
    semi join features.scope as s on s.customer_id = o.customer_id
    where o.status = 'completed'
),

line as (
    select
        l.order_id,
        count(*) as lines,
        sum(l.revenue) as revenue,
        sum(l.discount) as discount,
        sum(l.coupon_discount) as coupon_discount,
        sum(l.cost) as cost,
        count_if(l.cost is null) as lines_without_cost
    from money.order_lines as l
    semi join purchase as p on p.order_id = l.order_id
    group by l.order_id
)

select
    p.customer_id,
    p.business_date,
    count(*) as orders,
    cast(sum(coalesce(line.lines, 0)) as bigint) as lines,
    cast(sum(coalesce(line.revenue, p.revenue, 0)) as decimal(18, 4)) as revenue,
    cast(sum(coalesce(line.discount, p.discount, 0)) as decimal(18, 4)) as discount,
    cast(sum(coalesce(line.coupon_discount, p.coupon_discount, 0)) as decimal(18, 4)) as coupon_discount,
    cast(
        case when sum(coalesce(line.lines_without_cost, 1)) = 0 then sum(line.cost) end as decimal(18, 4)
    ) as cost
from purchase as p
left join line on line.order_id = p.order_id
group by p.customer_id, p.business_date
