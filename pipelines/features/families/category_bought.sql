-- fragment: features.customer_state
-- One row per customer and category with a line by $as_of: since when they buy it, and what of it in 365 days.
-- A product that no source describes counts in the category '(unknown)', so that shares of revenue add up to
-- one.
-- key: customer_id, category
select
    o.customer_id,
    coalesce(p.category, '(unknown)') as category,
    min(o.business_date) as first_date,
    count(*) filter (where o.business_date >= $from_365) as lines,
    cast(sum(l.revenue) filter (where o.business_date >= $from_365) as decimal(18, 4)) as revenue
from money.orders as o
inner join money.order_lines as l on l.order_id = o.order_id
left join core.products as p on p.product_id = l.product_id
where o.business_date <= $as_of and o.status = 'completed' and o.customer_id is not null
group by o.customer_id, coalesce(p.category, '(unknown)')
