-- features.customer_category_day
-- One row per customer, business day and product category bought. A product that no source describes
-- counts in the category '(unknown)', so that shares of revenue add up to one.
-- key: customer_id, business_date, category
-- store: partition business_date
-- inputs: money.orders, money.order_lines, core.products, features.day_scope
with placed as (
    select o.order_id, o.customer_id, o.business_date
    from money.orders as o
    semi join features.day_scope as s on s.customer_id = o.customer_id and s.business_date = o.business_date
    where o.customer_id is not null and o.status = 'completed'
)

select
    o.customer_id,
    o.business_date,
    coalesce(p.category, '(unknown)') as category,
    count(*) as lines,
    cast(sum(l.revenue) as decimal(18, 4)) as revenue
from placed as o
inner join money.order_lines as l on l.order_id = o.order_id
left join core.products as p on p.product_id = l.product_id
group by o.customer_id, o.business_date, coalesce(p.category, '(unknown)')
