-- The survey of every October: three questions; one account in three answers, and not always all of them.
with year as (
    select cast(unnest(range(date '2024-10-01', getvariable('through') + 1, interval 1 year)) as date) as first_day
),

response as (
    select
        'S' || year(y.first_day) as survey_id,
        a.account_id,
        a.account_id || year(y.first_day) as id,
        y.first_day + days('answered', a.account_id || y.first_day, 28) as answered_on
    from year as y
    inner join accounts as a on a.created_on < y.first_day
    where chance('responds', a.account_id || y.first_day) < 0.33
),

question as (
    select *, unnest([
        {'question': 'recommend', 'low': 0, 'high': 10},
        {'question': 'delivery', 'low': 1, 'high': 5},
        {'question': 'range', 'low': 1, 'high': 5}
    ]) as q
    from response
)

select
    survey_id,
    'R-' || id as response_id,
    q.question as question_id,
    account_id,
    answered_on,
    case
        -- A few typed a figure beyond the scale.
        when chance('typo', id || q.question) < 0.004 then q.high * 10
        else q.low + cast(floor(pow(chance('score', id || q.question), 0.6) * (q.high - q.low + 1)) as bigint)
    end as score,
    q.low as scale_min,
    q.high as scale_max
from question
where answered_on <= getvariable('through') and chance('skipped', id || q.question) > 0.07
