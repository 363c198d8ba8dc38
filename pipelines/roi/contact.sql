-- roi.contact
-- One row per campaign and customer contacted by $as_of: when, and at what cost; the control group is not.
-- key: campaign_id, customer_id
-- store: replace
-- inputs: core.campaign_contacts, core.campaigns
select
    c.campaign_id,
    c.customer_id,
    coalesce(c.contacted_on, g.start_date) as contacted_on,
    cast(coalesce(c.cost, $contact_cost) as decimal(18, 4)) as cost
from core.campaign_contacts as c
inner join core.campaigns as g on g.campaign_id = c.campaign_id
where
    coalesce(c.contacted_on, g.start_date) <= $as_of
    and coalesce(c.arm, 'treatment') = 'treatment'
