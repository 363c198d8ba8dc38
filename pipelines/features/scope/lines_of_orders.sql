-- fragment: features.customer_day
-- One row per line of an order in scoped_orders.
-- key: order_id, line_id
select
    l.order_id,
    l.line_id,
    l.revenue,
    l.discount,
    l.coupon_discount,
    l.cost
from money.order_lines as l
semi join scoped_orders as s on s.order_id = l.order_id
