-- fragment: features.customer_state
-- One row per customer who returned an order of the last 365 days; it counts on the day it was ordered.
-- key: customer_id
select
    o.customer_id,
    count(*) as returns_365d
from facts.orders as o
where o.status = 'returned' and o.business_date >= $from_365
group by o.customer_id
