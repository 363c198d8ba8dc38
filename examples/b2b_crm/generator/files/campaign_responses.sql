-- Orders that quoted the code of a campaign.
select campaign_id as campaign, buyer_id as account, day
from orders
where campaign_id is not null and delivered_on between getvariable('first') and getvariable('last')
order by delivered_on, campaign, account
