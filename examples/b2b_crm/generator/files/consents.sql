-- Consents as they were given and withdrawn. What is older than the first delivery came with it.
select
    account_id as account,
    channel,
    case when granted then 'given' else 'withdrawn' end as consent,
    changed_on as day
from consents
where greatest(changed_on, date '2024-01-01') between getvariable('first') and getvariable('last')
order by changed_on, account, channel
