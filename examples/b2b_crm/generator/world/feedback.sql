-- Tickets and NPS scores after orders; a ticket is sent again when it is closed, and half of them are then rated.
with told as (
    select
        order_id,
        buyer_id as account_id,
        case when chance('feedback', order_id) < 0.025 then 'ticket' else 'nps' end as kind,
        delivered_on + 1 + days('told', order_id, 6) as received_on
    from orders
    where chance('feedback', order_id) < 0.055
),

version as (
    select *, unnest([
        {'changed_on': received_on, 'closed_on': cast(null as date)},
        {
            'changed_on': case when kind = 'ticket' then received_on + 1 + days('closed', order_id, 12) end,
            'closed_on': case when kind = 'ticket' then received_on + 1 + days('closed', order_id, 12) end
        }
    ]) as v
    from told
)

select
    'F' || order_id as feedback_id,
    kind,
    account_id,
    received_on,
    v.changed_on as changed_on,
    v.closed_on as closed_on,
    one_of('way', order_id, ['email', 'phone', 'web']) as channel,
    case when kind = 'ticket' then one_of('topic', order_id, ['delivery', 'delivery', 'invoice', 'quality', 'returns'])
    end as topic,
    case when kind = 'nps' then cast(floor(pow(chance('nps', order_id), 0.45) * 11) as bigint) end as score,
    case when kind = 'ticket' then chance('complaint', order_id) < 0.45 end as complaint
from version
where v.changed_on is not null and v.changed_on <= getvariable('through')
union all
select
    'C' || order_id,
    'csat',
    account_id,
    v.closed_on + 1,
    v.closed_on + 1,
    null,
    'email',
    null,
    -- A complaint seldom ends well.
    1 + cast(floor(pow(chance('csat', order_id), case when chance('complaint', order_id) < 0.45 then 1.6 else 0.4 end)
        * 5) as bigint),
    null
from version
where chance('rates', order_id) < 0.5 and v.closed_on + 1 <= getvariable('through')
