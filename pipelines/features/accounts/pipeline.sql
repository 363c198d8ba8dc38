-- fragment: features.account
-- One row per account with an opportunity opened by $as_of: what is open, and what was won and lost. Its outcome
-- decides, never a closing day alone; one that was won or lost without a day counts from the day it was opened.
-- A value in another currency is converted by the latest rate at or before the day it was closed, or $as_of
-- where it is open; without a rate it has no value. The stage is that of the day.
-- key: account_id
with rate as (
    select
        upper(currency) as currency,
        day as from_date,
        lead(day) over (partition by upper(currency) order by day) as next_date,
        rate
    from core.rates
    where day <= $as_of
),

opened as (
    select
        o.account_id,
        o.opportunity_id,
        o.stage,
        o.probability,
        upper(coalesce(nullif(o.currency, ''), $currency)) as currency,
        o.value,
        o.outcome = 'won' as won,
        o.outcome = 'lost' as lost,
        o.outcome = 'open' as is_open,
        o.ended_on as closed_date,
        coalesce(o.ended_on, cast($as_of as date)) as valued_date
    from facts.opportunities as o
),

valued as (
    select
        o.account_id,
        o.opportunity_id,
        o.stage,
        o.probability,
        o.won,
        o.lost,
        o.is_open,
        o.closed_date,
        o.value is not null and o.currency <> $currency and r.rate is null as without_rate,
        case
            when o.currency = $currency then o.value
            else cast(o.value * cast(r.rate as decimal(28, 8)) as decimal(18, 4))
        end as value
    from opened as o
    left join rate as r
        on r.currency = o.currency
        and o.valued_date >= r.from_date
        and (r.next_date is null or o.valued_date < r.next_date)
),

placed as (
    select
        *,
        row_number() over (
            partition by account_id, is_open order by value desc nulls last, opportunity_id
        ) as place
    from valued
)

select
    account_id,
    count(*) filter (where is_open) as open_opportunities,
    cast(coalesce(sum(value) filter (where is_open), 0) as decimal(18, 4)) as open_opportunity_value,
    cast(
        coalesce(sum(cast(value * cast(probability as decimal(28, 8)) as decimal(18, 4))) filter (where is_open), 0)
        as decimal(18, 4)
    ) as weighted_opportunity_value,
    max(stage) filter (where is_open and place = 1) as deal_stage,
    count(*) filter (where won and closed_date >= $from_365) as won_365d,
    count(*) filter (where lost and closed_date >= $from_365) as lost_365d,
    cast(
        coalesce(sum(value) filter (where won and closed_date >= $from_365), 0) as decimal(18, 4)
    ) as won_value_365d,
    cast(count(*) filter (where won and closed_date >= $from_365) as double)
    / nullif(count(*) filter (where (won or lost) and closed_date >= $from_365), 0) as win_rate_365d,
    max(closed_date) filter (where won) as last_won_date,
    count(*) filter (where without_rate) as opportunities_without_rate
from placed
group by account_id
