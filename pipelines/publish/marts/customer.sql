-- step: marts.customer
-- One row per customer on the day of the run: every feature.
-- key: customer_id
-- store: replace
select
    *,
    (select effective_at from publish.part where kind = 'table' and part = 'customer') as effective_at
from features.customer
where as_of_date = $as_of
