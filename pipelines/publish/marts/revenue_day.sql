-- step: marts.revenue_day
-- One row per business day: orders, lines, customers and revenue, guests included; everything known now.
-- A guest has no customer id, or one that is made of a guest key.
-- key: business_date
-- store: replace
with line as (
    select order_id, count(*) as lines, sum(revenue) as revenue from money.order_lines group by order_id
)

select
    o.business_date,
    count(*) as orders,
    cast(sum(coalesce(line.lines, 0)) as bigint) as lines,
    count(distinct o.customer_id) as customers,
    cast(count_if(o.customer_id is null or o.customer_id like 'guest-%') as bigint) as guest_orders,
    cast(
        coalesce(
            sum(coalesce(line.revenue, o.revenue, 0))
            filter (where o.customer_id is null or o.customer_id like 'guest-%'), 0
        ) as decimal(18, 4)
    ) as guest_revenue,
    cast(sum(coalesce(line.revenue, o.revenue, 0)) as decimal(18, 4)) as revenue
from money.orders as o
left join line on line.order_id = o.order_id
where o.business_date <= $as_of and "$counts"
group by o.business_date
