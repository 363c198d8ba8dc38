-- step: marts.account
-- One row per account on the day of the run: every feature. Empty where no source maps accounts.
-- key: account_id
-- store: replace
select
    *,
    (select effective_at from publish.part where kind = 'table' and part = 'account') as effective_at
from features.account
where as_of_date = $as_of
