-- step: money.order_lines
-- One row per line of an order that is not held, its amounts net and in the project's currency.
-- key: order_id, line_id
-- store: view
select
    a.order_id,
    a.line_id,
    a.product_id,
    a.quantity,
    a.revenue,
    a.discount,
    a.coupon_discount,
    a.cost
from money.amount as a
anti join money.held_order as h on h.order_id = a.order_id
where a.line_id is not null
