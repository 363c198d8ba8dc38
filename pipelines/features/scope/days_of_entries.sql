-- fragment: features.customer_entry
-- One row per day with an order of a customer in features.entry_scope.
-- key: customer_id, business_date
select
    d.customer_id,
    d.business_date,
    d.orders
from features.customer_day as d
semi join features.entry_scope as s on s.customer_id = d.customer_id
