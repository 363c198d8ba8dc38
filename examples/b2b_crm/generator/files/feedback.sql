-- The service desk's changes: each ticket or score as it stood after its last change in these days.
select
    feedback_id as id, kind, account_id as company, received_on as received, closed_on as closed, channel,
    topic, score, complaint
from feedback
where changed_on between getvariable('first') and getvariable('last')
qualify row_number() over (partition by feedback_id order by changed_on desc) = 1
order by id
