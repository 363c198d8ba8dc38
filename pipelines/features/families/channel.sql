-- fragment: features.customer_state
-- One row per customer with an order of a known channel in 365 days: the channel with the most orders.
-- key: customer_id
with bought as (
    select
        o.customer_id,
        o.channel,
        count(*) as orders
    from facts.orders as o
    where
        o.happened
        and o.business_date >= $from_365
        and o.channel is not null
    group by o.customer_id, o.channel
),

ranked as (
    select
        customer_id,
        min(struct_pack(fewer := -orders, channel := channel)) as preferred,
        count(*) as channels
    from bought
    group by customer_id
)

select
    customer_id,
    preferred.channel as preferred_channel,
    channels as channels_365d
from ranked
