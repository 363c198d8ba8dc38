-- The survey of every October; one account in three answers, and not always everything. Three questions are about
-- us. Three measure one trait, how readily a company takes up what is new, and `proven` asks it the other way
-- round. One asks what matters most and is answered in a word.
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
        {'question': 'range', 'low': 1, 'high': 5},
        {'question': 'early', 'low': 1, 'high': 5},
        {'question': 'proven', 'low': 1, 'high': 5},
        {'question': 'trial', 'low': 1, 'high': 5},
        {'question': 'priority', 'low': null, 'high': null}
    ]) as q
    from response
)

select
    survey_id,
    'R-' || id as response_id,
    q.question as question_id,
    account_id,
    answered_on,
    case when q.question = 'priority'
        then one_of('priority', id, ['price', 'price', 'delivery', 'delivery', 'advice', 'sustainability'])
    end as answer,
    case
        when q.question in ('early', 'trial') then trait
        when q.question = 'proven' then 6 - trait
        -- A few typed a figure beyond the scale.
        when chance('typo', id || q.question) < 0.004 then q.high * 10
        else q.low + cast(floor(pow(chance('score', id || q.question), 0.6) * (q.high - q.low + 1)) as bigint)
    end as score,
    q.low as scale_min,
    q.high as scale_max
from question
cross join lateral (
    -- The trait stays the company's; what it ticks differs by one at most.
    select least(greatest(
        1 + days('trait', account_id, 5) + days('tick', id || q.question, 3) - 1, 1), 5) as trait
)
where answered_on <= getvariable('through') and chance('skipped', id || q.question) > 0.07
