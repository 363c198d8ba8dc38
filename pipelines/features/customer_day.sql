-- step: features.customer_day
-- One row per customer and business day with an order: the state that features are made of.
-- A day is a purchase day when `orders` is above 0: completed orders, several of one day are one day; of a day
-- with other orders alone it says that the customer was there. Money and lines are of completed orders; `cost`
-- is that of the lines whose cost is known, `revenue_without_cost` what the others, and orders without, brought.
-- Where no source maps lines, the money stands on the order.
-- key: customer_id, business_date
-- store: partition business_date
with placed as (
    select
        o.order_id,
        o.customer_id,
        o.business_date,
        "$counts" as completed,
        o.revenue,
        o.discount,
        o.coupon_discount
    from money.orders as o
    where o.customer_id is not null
),

line as (
    select
        l.order_id,
        count(*) as lines,
        sum(l.revenue) as revenue,
        sum(l.discount) as discount,
        sum(l.coupon_discount) as coupon_discount,
        coalesce(sum(l.cost), 0) as cost,
        coalesce(sum(l.revenue) filter (where l.cost is null), 0) as revenue_without_cost
    from money.order_lines as l
    group by l.order_id
)

select
    p.customer_id,
    p.business_date,
    cast(count_if(p.completed) as bigint) as orders,
    cast(count_if(p.completed and line.lines is not null) as bigint) as orders_with_lines,
    cast(coalesce(sum(line.lines) filter (where p.completed), 0) as bigint) as lines,
    cast(
        coalesce(sum(coalesce(line.revenue, p.revenue, 0)) filter (where p.completed), 0) as decimal(18, 4)
    ) as revenue,
    cast(
        coalesce(sum(coalesce(line.discount, p.discount, 0)) filter (where p.completed), 0) as decimal(18, 4)
    ) as discount,
    cast(
        coalesce(
            sum(coalesce(line.coupon_discount, p.coupon_discount, 0)) filter (where p.completed), 0
        ) as decimal(18, 4)
    ) as coupon_discount,
    cast(coalesce(sum(line.cost) filter (where p.completed), 0) as decimal(18, 4)) as cost,
    cast(
        coalesce(
            sum(coalesce(line.revenue_without_cost, p.revenue, 0)) filter (where p.completed), 0
        ) as decimal(18, 4)
    ) as revenue_without_cost
from placed as p
left join line on line.order_id = p.order_id
group by p.customer_id, p.business_date
