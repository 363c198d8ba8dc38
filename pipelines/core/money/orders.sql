-- step: money.orders
-- One row per order that is not held, its amounts net and in the project's currency.
-- key: order_id
-- store: view
select
    o.order_id,
    o.customer_id,
    o.account_id,
    o.ordered_at,
    o.business_date,
    o.store_id,
    o.channel,
    o.status,
    a.revenue,
    a.discount,
    a.coupon_discount
from core.orders as o
anti join money.held_order as h on h.order_id = o.order_id
left join money.amount as a on a.order_id = o.order_id and a.line_id is null
