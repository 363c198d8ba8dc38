select
    order_id, position, product_id, quantity,
    case when not broken then net_amount end as net_amount,
    discount, cost
from order_lines
where delivered_on between getvariable('first') and getvariable('last')
order by delivered_on, order_id, position
