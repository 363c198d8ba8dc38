-- fragment: features.customer_state
-- One row per customer: who is one by $as_of, and since when the CRM knows them.
-- Who has only ordered and cancelled is a customer without purchases.
-- key: customer_id
with known as (
    select d.customer_id, false as in_crm, cast(null as date) as created_on
    from features.customer_day as d
    where d.business_date <= $as_of
    group by d.customer_id
    union all
    select r.customer_id, true as in_crm, r.created_on
    from known_customer as r
    union all
    select c.customer_id, false as in_crm, cast(null as date) as created_on
    from facts.campaign_contacts as c
)

select
    k.customer_id,
    bool_or(k.in_crm) as in_crm,
    min(k.created_on) as _created_on
from known as k
group by k.customer_id
