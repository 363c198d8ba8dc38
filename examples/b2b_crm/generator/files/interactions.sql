select
    interaction_id, account_id, contact_id, occurred_at, channel, interaction_type, device, campaign_id, product_id
from interactions
where delivered_on between getvariable('first') and getvariable('last')
order by occurred_at, interaction_id
