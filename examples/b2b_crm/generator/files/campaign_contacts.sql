select
    campaign_id as campaign,
    account_id as account,
    arm as "group",
    contacted_on as day,
    case when arm = 'treatment' then contact_cost else 0 end as cost
from audience
where contacted_on between getvariable('first') and getvariable('last')
order by contacted_on, campaign_id, account_id
