-- fragment: features.customer_state
-- One row per customer with an order of a known time in 365 days: the hour with the most orders. A time of
-- exactly midnight is taken for a source that gives days only.
-- key: customer_id
with timed as (
    select
        o.customer_id,
        extract('hour' from o.ordered_at) as hour_of_day,
        count(*) as orders
    from facts.orders as o
    where
        o.happened
        and o.business_date >= $from_365
        and o.ordered_at <> date_trunc('day', o.ordered_at)
    group by o.customer_id, extract('hour' from o.ordered_at)
),

placed as (
    select
        customer_id,
        hour_of_day,
        row_number() over (partition by customer_id order by orders desc, hour_of_day) as place
    from timed
)

select
    customer_id,
    cast(hour_of_day as bigint) as preferred_hour
from placed
where place = 1
