-- fragment: features.customer_state
-- One row per customer with a purchase in a store in 365 days: the store with the most orders.
-- key: customer_id
with bought as (
    select
        o.customer_id,
        o.store_id,
        count(*) as orders
    from facts.orders as o
    where
        o.happened
        and o.business_date >= $from_365
        and o.store_id is not null
    group by o.customer_id, o.store_id
),

ranked as (
    select
        customer_id,
        min(struct_pack(fewer := -orders, store_id := store_id)) as preferred,
        count(*) as stores
    from bought
    group by customer_id
)

select
    customer_id,
    preferred.store_id as preferred_store,
    stores as stores_365d
from ranked
