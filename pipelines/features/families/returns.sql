-- fragment: features.customer_state
-- One row per customer who returned an order of the last 365 days; it counts on the day it was ordered.
-- key: customer_id
select
    o.customer_id,
    count(*) as returns_365d
from money.orders as o
where
    o.business_date between $from_365 and $as_of
    and o.status = 'returned'
    and o.customer_id is not null
group by o.customer_id
