-- features.customer_category_day
-- One row per customer, business day and product category bought. A product that no source describes
-- counts in the category '(unknown)', so that shares of revenue add up to one.
-- key: customer_id, business_date, category
-- store: partition customer_id
-- inputs: money.orders, money.order_lines, core.products, features.scope
select
    o.customer_id,
    o.business_date,
    coalesce(p.category, '(unknown)') as category,
    count(*) as lines,
    cast(sum(l.revenue) as decimal(18, 4)) as revenue
from money.orders as o
semi join features.scope as s on s.customer_id = o.customer_id
inner join money.order_lines as l on l.order_id = o.order_id
left join core.products as p on p.product_id = l.product_id
where o.status = 'completed'
group by o.customer_id, o.business_date, coalesce(p.category, '(unknown)')
