-- fragment: features.customer_day
-- One row per order of a customer and day in features.day_scope. The range of days says what the pairs alone do
-- not: that most of the orders cannot be meant.
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
semi join features.day_scope as s on s.customer_id = o.customer_id and s.business_date = o.business_date
where o.business_date between $first and $last
