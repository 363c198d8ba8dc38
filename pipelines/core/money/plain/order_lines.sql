-- step: money.order_lines
-- One row per line, as core has it: every amount is net and in the project's currency already.
-- key: order_id, line_id
-- store: view
select
    order_id,
    line_id,
    product_id,
    quantity,
    revenue,
    discount,
    coupon_discount,
    cost
from core.order_lines
