-- marts.customer
-- One row per customer on the day of the run: every feature.
-- key: customer_id
-- store: replace
-- inputs: features.customer
select
    *,
    (select effective_at from marts.run) as effective_at
from features.customer
where as_of_date = $as_of
