-- fragment: features.account
-- One row per account with a lead by $as_of. Its status says whether it was converted.
-- key: account_id
select
    l.account_id,
    count(*) filter (where l.created_on >= $from_90) as leads_90d,
    count(*) filter (where l.status = 'converted' and l.ended_on >= $from_365) as leads_converted_365d,
    max(l.created_on) as last_lead_date
from facts.leads as l
group by l.account_id
