-- One row per opportunity and change of its stage, on the day of the change.
with quarter as (
    select
        a.account_id,
        a.weight,
        cast(unnest(range(
            greatest(date_trunc('quarter', a.created_on), date '2024-01-01'),
            getvariable('through') + 1,
            interval 3 month
        )) as date) as first_day,
        a.created_on
    from accounts as a
),

opened as (
    select
        account_id,
        weight,
        account_id || strftime(first_day, '-%y%m') as id,
        first_day + days('opened', account_id || first_day, 90) as opened_on,
        created_on
    from quarter
    where chance('opportunity', account_id || first_day) < 0.18
),

planned as (
    select
        *,
        opened_on + 4 + days('proposal', id, 20) as proposed_on,
        opened_on + 24 + days('negotiation', id, 25) as negotiated_on,
        opened_on + 49 + days('closing', id, 40) as closed_on,
        chance('won', id) < 0.38 as won
    from opened
    where opened_on >= created_on
),

changes as (
    select p.*, unnest([
        {'stage': 'Qualification', 'changed_on': opened_on, 'chance': 0.1},
        {'stage': 'Proposal', 'changed_on': proposed_on, 'chance': 0.35},
        {'stage': 'Negotiation', 'changed_on': negotiated_on, 'chance': 0.6},
        {'stage': 'Closed', 'changed_on': closed_on, 'chance': case when won then 1.0 else 0.0 end}
    ]) as change
    from planned as p
)

select
    'O-' || id as opportunity_id,
    account_id,
    opened_on,
    change.changed_on as changed_on,
    change.stage as stage,
    change.chance as probability,
    case when change.stage <> 'Closed' then 'open' when won then 'won' else 'lost' end as outcome,
    case when change.stage = 'Closed' then closed_on end as closed_on,
    case when chance('value known', id) > 0.1
        then cast(round(3000 * sqrt(weight) * exp(0.8 * normal('value', id)), 2) as decimal(18, 2)) end as value,
    case when chance('currency', id) < 0.08 then 'SEK' else 'EUR' end as currency,
    one_of('opportunity source', id, ['web', 'referral', 'fair', 'existing customer']) as source,
    chance('negative', id) < 0.006 as broken
from changes
where change.changed_on <= getvariable('through')
