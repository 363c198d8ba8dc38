-- step: marts.customer
-- One row per customer on the day of the run: every feature. account_id is the account that the customer counts at,
-- where there is one: the one the CRM names, else the account of the same id.
-- key: customer_id
-- store: replace
select
    f.*,
    coalesce(c.account_id, a.account_id) as account_id,
    (select effective_at from publish.part where kind = 'table' and part = 'customer') as effective_at
from features.customer as f
left join core.customers as c on c.customer_id = f.customer_id
left join features.account as a on a.account_id = f.customer_id and a.as_of_date = f.as_of_date
where f.as_of_date = $as_of
