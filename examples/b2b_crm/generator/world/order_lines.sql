-- One row per line: one to eight, of products some of which sell far better than others.
with line as (
    select o.*, unnest(range(1, 2 + cast(floor(pow(chance('lines', o.order_id), 2) * 8) as bigint))) as position
    from orders as o
),

priced as (
    select
        l.order_id,
        l.position,
        l.delivered_on,
        p.product_id,
        p.price,
        p.cost_share,
        a.discount as rate,
        ceil(exp(1.1 + 0.8 * normal('quantity', l.order_id || '-' || l.position)) * sqrt(a.weight)) as quantity,
        chance('broken line', l.order_id || '-' || l.position) < 0.001 as broken
    from line as l
    inner join accounts as a on a.account_id = l.buyer_id
    inner join products as p
        on p.number = 1 + floor(240 * pow(chance('product', l.order_id || '-' || l.position), 1.8))
)

select
    order_id,
    position,
    delivered_on,
    product_id,
    cast(quantity as bigint) as quantity,
    cast(round(quantity * price * (1 - rate), 2) as decimal(18, 2)) as net_amount,
    cast(round(quantity * price, 2) as decimal(18, 2))
    - cast(round(quantity * price * (1 - rate), 2) as decimal(18, 2)) as discount,
    cast(round(quantity * price * cost_share, 2) as decimal(18, 2)) as cost,
    broken
from priced
