-- fragment: features.customer_state
-- One row per customer with a purchase in 365 days: how many different products.
-- key: customer_id
select
    l.customer_id,
    count(distinct l.product_id) as products_365d
from facts.order_lines as l
where l.happened and l.business_date >= $from_365
group by l.customer_id
