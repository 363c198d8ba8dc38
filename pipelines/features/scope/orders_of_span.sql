-- fragment: features.customer_day
-- One row per order of a customer on a day from $first to $last.
-- key: order_id
select
    o.order_id,
    o.customer_id,
    o.business_date,
    o.status,
    o.revenue,
    o.discount,
    o.coupon_discount
from money.orders as o
where o.business_date between $first and $last and o.customer_id is not null
