-- step: money.amount
-- One row per amount that counts: every line of a known order, and every order without lines that has one.
-- Nothing is converted or taken out.
-- key: order_id, line_id
-- store: view
select
    l.order_id,
    l.line_id,
    l._source,
    l.revenue as amount,
    l.revenue as converted,
    cast(0 as decimal(18, 4)) as shipping,
    cast(0 as decimal(18, 4)) as gift_card_sold,
    cast(0 as decimal(18, 4)) as gift_card_redeemed,
    cast(0 as decimal(18, 4)) as deposit,
    cast(0 as decimal(18, 4)) as discount_taken_out,
    cast(0 as decimal(18, 4)) as vat,
    l.revenue
from core.order_lines as l
semi join core.orders as o on o.order_id = l.order_id
union all
select
    o.order_id,
    cast(null as varchar) as line_id,
    o._source,
    o.revenue as amount,
    o.revenue as converted,
    cast(0 as decimal(18, 4)) as shipping,
    cast(0 as decimal(18, 4)) as gift_card_sold,
    cast(0 as decimal(18, 4)) as gift_card_redeemed,
    cast(0 as decimal(18, 4)) as deposit,
    cast(0 as decimal(18, 4)) as discount_taken_out,
    cast(0 as decimal(18, 4)) as vat,
    o.revenue
from core.orders as o
anti join core.order_lines as l on l.order_id = o.order_id
where o.revenue is not null
