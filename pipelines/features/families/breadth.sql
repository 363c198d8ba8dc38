-- fragment: features.customer_state
-- One row per customer with a purchase in 365 days: how many different products.
-- key: customer_id
select
    o.customer_id,
    count(distinct l.product_id) as products_365d
from money.orders as o
inner join money.order_lines as l on l.order_id = o.order_id
where
    o.business_date between $from_365 and $as_of
    and o.status = 'completed'
    and o.customer_id is not null
group by o.customer_id
