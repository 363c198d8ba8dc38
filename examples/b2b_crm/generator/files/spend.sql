-- The bookkeeper's sheet: days as in Finland, decimal commas.
select
    strftime(spent_on, '%d.%m.%Y') as "Day",
    campaign_id as "Campaign",
    channel as "Channel",
    replace(cast(cost as varchar), '.', ',') as "Amount"
from spend
where spent_on between getvariable('first') and getvariable('last')
order by spent_on, campaign_id nulls last
