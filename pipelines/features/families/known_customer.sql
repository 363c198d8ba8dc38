-- fragment: features.customer_state
-- One row per customer of the CRM who is known by $as_of: by the day that it says, or by the first fact or delivery.
-- key: customer_id
select k.customer_id, k.created_on
from known.customers as k
