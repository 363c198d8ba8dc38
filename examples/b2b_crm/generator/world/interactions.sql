-- E-mails of newsletters (sent, opened, clicked) to persons who agreed; visits to the web shop and, by those who
-- have it, to the app; on some of these a product is viewed, and now and then its guide is downloaded.
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
),

visit as (
    select
        'W' || strftime(day, '%y%m%d') || account_id as id,
        account_id,
        day,
        360 + days('visit', account_id || day, 900) as minute,
        'web' as channel,
        one_of('visit device', account_id || day, ['desktop', 'desktop', 'phone', 'tablet']) as device
    from visit_day
    where chance('visits', account_id || day) < least(0.02 * pow(weight, 0.5), 0.4)
    union all
    select
        'M' || strftime(day, '%y%m%d') || account_id,
        account_id,
        day,
        360 + days('app visit', account_id || day, 900),
        'app',
        one_of('app device', account_id || day, ['phone', 'phone', 'phone', 'tablet'])
    from visit_day
    where
        chance('has app', account_id) < 0.15
        and chance('app visits', account_id || day) < least(0.03 * pow(weight, 0.5), 0.3)
),

act as (
    select *, printf('P%04d', 1 + cast(floor(240 * pow(chance('viewed', id), 1.8)) as bigint)) as product_id,
        unnest([
            {'kind': 'visit', 'mark': '', 'from': 0.0, 'minutes': 0},
            {'kind': 'view', 'mark': 'V', 'from': 0.6, 'minutes': 2},
            {'kind': 'download', 'mark': 'G', 'from': 0.94, 'minutes': 6}
        ]) as s
    from visit
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
    campaign_id,
    null as product_id
from step
where chance('reaction', id) >= s.from and day <= getvariable('through')
union all
select
    s.mark || id,
    account_id,
    null,
    day + to_minutes(minute + s.minutes),
    day,
    channel,
    s.kind,
    device,
    null,
    case when s.kind <> 'visit' then product_id end
from act
where chance('looks', id) >= s.from
