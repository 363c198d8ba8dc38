-- query
-- One row per customer of the companies at which the customer `$id` ever stood; themselves at least. Without a company
-- they are the account of the same id.
-- key: customer_id
with stood as (
    select customer_id, coalesce(account_id, customer_id) as account_id from core.customers
    union
    select customer_id, coalesce(account_id, customer_id) as account_id from core.past_customers
),

company as (
    select account_id from stood where customer_id = $id
    union
    select $id as account_id
)

select s.customer_id
from stood as s
semi join company as c on c.account_id = s.account_id
union
select $id as customer_id
