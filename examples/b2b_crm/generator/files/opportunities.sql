-- The CRM's changes: each opportunity as it stood after its last change in these days.
select
    opportunity_id as id, account_id as company, head_id as group_head, opened_on as opened, closed_on as closed,
    stage, outcome,
    case when broken then -value else value end as value, currency, probability, source
from opportunities
inner join groups using (account_id)
where changed_on between getvariable('first') and getvariable('last')
qualify row_number() over (partition by opportunity_id order by changed_on desc) = 1
order by id
