-- fragment: features.customer_entry
-- One row per customer with a day in features.day_scope by their first purchase, or without one.
-- key: customer_id
select distinct d.customer_id
from features.day_scope as d
left join features.customer_entry as e on e.customer_id = d.customer_id
where e.customer_id is null or d.business_date <= e.first_date
