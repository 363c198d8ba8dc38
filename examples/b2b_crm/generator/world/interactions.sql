-- E-mails of newsletters (sent, opened, clicked) to persons who agreed, and visits to the web shop.
with mail as (
    select u.campaign_id, u.account_id, p.contact_id, u.contacted_on as day, u.campaign_id || p.contact_id as id
    from audience as u
    inner join contacts as p using (account_id)
    where u.channel = 'email' and u.arm = 'treatment' and p.may_email and p.created_on <= u.contacted_on
),

step as (
    select *, unnest([
        {'kind': 'sent', 'from': 0.0, 'minutes': 0},
        {'kind': 'open', 'from': 0.62, 'minutes': 30 + days('opened after', id, 500)},
        {'kind': 'click', 'from': 0.93, 'minutes': 540 + days('clicked after', id, 60)}
    ]) as s
    from mail
),

visit_day as (
    select
        account_id,
        weight,
        cast(unnest(range(greatest(buys_from, date '2024-01-01'), least(buys_until, getvariable('through') + 1),
            interval 1 day)) as date) as day
    from accounts
)

select
    id || '-' || s.kind as interaction_id,
    account_id,
    contact_id,
    day + to_minutes(500 + s.minutes) as occurred_at,
    day as delivered_on,
    'email' as channel,
    s.kind as interaction_type,
    case when s.kind = 'sent' then null else one_of('device', id, ['desktop', 'desktop', 'phone']) end as device,
    campaign_id
from step
where chance('reaction', id) >= s.from and day <= getvariable('through')
union all
select
    'W' || strftime(day, '%y%m%d') || account_id,
    account_id,
    null,
    day + to_minutes(360 + days('visit', account_id || day, 900)),
    day,
    'web',
    'visit',
    one_of('visit device', account_id || day, ['desktop', 'desktop', 'phone', 'tablet']),
    null
from visit_day
where chance('visits', account_id || day) < least(0.02 * pow(weight, 0.5), 0.4)
