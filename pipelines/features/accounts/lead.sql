-- features.lead
-- One row per account with a lead by $as_of; a lead without an account counts for that of its contact.
-- key: account_id
-- store: replace
-- inputs: core.leads, core.contacts
select
    coalesce(e.account_id, k.account_id) as account_id,
    count(*) filter (where e.created_on >= $from_90) as leads_90d,
    count(*) filter (where e.converted_on between $from_365 and $as_of) as leads_converted_365d,
    max(e.created_on) as last_lead_date
from core.leads as e
left join core.contacts as k on k.contact_id = e.contact_id
where e.created_on <= $as_of and coalesce(e.account_id, k.account_id) is not null
group by coalesce(e.account_id, k.account_id)
