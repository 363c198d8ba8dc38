-- features.channel
-- One row per customer with an order of a known channel in 365 days: the channel with the most orders.
-- key: customer_id
-- store: replace
-- inputs: money.orders
with bought as (
    select
        o.customer_id,
        o.channel,
        count(*) as orders
    from money.orders as o
    where
        o.business_date between $from_365 and $as_of
        and o.status = 'completed'
        and o.channel is not null
        and o.customer_id is not null
    group by o.customer_id, o.channel
),

placed as (
    select
        customer_id,
        channel,
        row_number() over (partition by customer_id order by orders desc, channel) as place,
        count(*) over (partition by customer_id) as channels
    from bought
)

select
    customer_id,
    channel as preferred_channel,
    channels as channels_365d
from placed
where place = 1
