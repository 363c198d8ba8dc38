-- features.entry
-- One row per customer with a purchase by $as_of: what the first day with a purchase held.
-- key: customer_id
-- store: replace
-- inputs: features.customer_entry
select
    e.customer_id,
    e.entry_category,
    e.entry_product
from features.customer_entry as e
semi join features.scope as s on s.customer_id = e.customer_id
where e.first_date <= $as_of
