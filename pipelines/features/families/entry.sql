-- fragment: features.customer_state
-- One row per customer with a purchase by $as_of: what the first day with a purchase held.
-- key: customer_id
select
    e.customer_id,
    e.entry_category,
    e.entry_product
from features.customer_entry as e
where e.first_date <= $as_of
