-- One row per order: an account orders at most once a working day, more often while a campaign addresses it.
-- `delivered_on` is the day the order reaches us (three in a hundred come late); `changed_on` is the day an
-- order that is cancelled or returned is sent again.
with addressed as (
    select account_id, unnest(range(contacted_on, end_date + 1, interval 1 day)) as moment, campaign_id
    from audience
    where arm = 'treatment' and contacted_on <= getvariable('through')
),

campaign_day as (
    select account_id, cast(moment as date) as day, max(campaign_id) as campaign_id from addressed group by all
),

open_day as (
    select
        a.account_id,
        a.number,
        a.orders_a_day,
        cast(unnest(range(
            greatest(a.buys_from, date '2024-01-01'),
            least(a.buys_until, getvariable('through') + 1),
            interval 1 day
        )) as date) as day
    from accounts as a
),

chosen as (
    select o.*, c.campaign_id, printf('S%05d%06d', day - date '2024-01-01', o.number) as order_id
    from open_day as o
    left join campaign_day as c using (account_id, day)
    where
        isodow(day) < 6
        and not holiday(day)
        and chance('order', o.account_id || day) < o.orders_a_day
            * [0.9, 0.95, 1.05, 1.05, 1.1, 0.95, 0.55, 0.9, 1.1, 1.15, 1.25, 0.8][month(day)]
            * case when c.campaign_id is null then 1 else 1.35 end
),

known as (
    select
        *,
        day + case when chance('late', order_id) < 0.03 then 1 + days('delay', order_id, 6) else 0 end
            as delivered_on,
        chance('fate', order_id) as fate
    from chosen
),

ended as (
    select
        *,
        case when fate < 0.02 then 'cancelled' when fate < 0.03 then 'returned' else 'completed' end as status,
        case when fate < 0.03 then delivered_on + 1 + days('change', order_id, 10) end as changed_on,
        -- What a person typed wrong: the date, the state, or no number at all.
        case when fate > 0.998 then 1 + days('broken', order_id, 3) else 0 end as broken
    from known
)

select
    order_id,
    case when chance('guest', order_id) < 0.008 then null else account_id end as account_id,
    account_id as buyer_id,
    day,
    day + to_minutes(420 + days('minute', order_id, 600)) as ordered_at,
    one_of('channel', order_id, ['webshop', 'webshop', 'webshop', 'EDI', 'phone']) as channel,
    delivered_on,
    status,
    changed_on,
    broken,
    case when chance('quoted', order_id) < 0.3 then campaign_id end as campaign_id
from ended
where delivered_on <= getvariable('through')
