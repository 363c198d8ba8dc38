-- fragment: features.account
-- One row per account known by $as_of, as it stood then: by the day the CRM says, or by its first fact or delivery.
-- key: account_id
select *
from known.accounts
