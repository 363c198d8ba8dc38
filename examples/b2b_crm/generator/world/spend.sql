-- Fixed costs: a campaign's over its first five days, and advertising on the web every day.
select
    c.start_date + cast(n as integer) as spent_on,
    c.campaign_id,
    c.channel,
    cast(c.fixed_cost / 5.0 as decimal(18, 2)) as cost
from campaigns as c, range(0, 5) as t(n)
where c.start_date + cast(n as integer) <= getvariable('through')
union all
select
    cast(day as date),
    null,
    'web',
    cast(round(28 + 14 * chance('ads', cast(day as date)), 2) as decimal(18, 2))
from range(date '2024-01-01', getvariable('through') + 1, interval 1 day) as t(day)
