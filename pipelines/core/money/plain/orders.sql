-- step: money.orders
-- One row per order, as core has it: every amount is net and in the project's currency already.
-- key: order_id
-- store: view
select
    order_id,
    customer_id,
    account_id,
    ordered_at,
    business_date,
    store_id,
    channel,
    status,
    revenue,
    discount,
    coupon_discount
from core.orders
