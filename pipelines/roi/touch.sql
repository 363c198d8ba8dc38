-- step: roi.touch
-- One row per campaign, customer and day with touches by $as_of: how many, and at what cost; the control group has none.
-- key: campaign_id, customer_id, contacted_on
-- store: replace
select
    c.campaign_id,
    c.customer_id,
    c.contacted_on,
    count(*) as touches,
    cast(sum(coalesce(c.cost, $contact_cost)) as decimal(18, 4)) as cost
from facts.campaign_contacts as c
where c.happened
group by c.campaign_id, c.customer_id, c.contacted_on
