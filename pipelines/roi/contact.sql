-- step: roi.contact
-- One row per campaign and customer contacted by $as_of: since when, how often, and at what cost.
-- key: campaign_id, customer_id
-- store: replace
select
    campaign_id,
    customer_id,
    min(contacted_on) as contacted_on,
    cast(sum(touches) as bigint) as touches,
    cast(sum(cost) as decimal(18, 4)) as cost
from roi.touch
group by campaign_id, customer_id
