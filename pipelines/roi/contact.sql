-- step: roi.contact
-- One row per campaign and customer contacted by $as_of: when, and at what cost; the control group is not.
-- key: campaign_id, customer_id
-- store: replace
select
    c.campaign_id,
    c.customer_id,
    c.contacted_on,
    cast(coalesce(c.cost, $contact_cost) as decimal(18, 4)) as cost
from facts.campaign_contacts as c
where c.happened
