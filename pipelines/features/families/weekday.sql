-- fragment: features.customer_state
-- One row per customer with a purchase in 365 days: on which days of the week. 1 is Monday, 7 is Sunday.
-- The first day of year 1 was a Monday.
-- key: customer_id
with bought as (
    select
        d.customer_id,
        d.orders,
        date_diff('day', date '0001-01-01', d.business_date) % 7 + 1 as weekday
    from features.customer_day as d
    where d.business_date between $from_365 and $as_of and d.orders > 0
),

counted as (
    select
        customer_id,
        cast(sum(orders) as bigint) as orders,
        cast(coalesce(sum(orders) filter (where weekday = 1), 0) as bigint) as monday,
        cast(coalesce(sum(orders) filter (where weekday = 2), 0) as bigint) as tuesday,
        cast(coalesce(sum(orders) filter (where weekday = 3), 0) as bigint) as wednesday,
        cast(coalesce(sum(orders) filter (where weekday = 4), 0) as bigint) as thursday,
        cast(coalesce(sum(orders) filter (where weekday = 5), 0) as bigint) as friday,
        cast(coalesce(sum(orders) filter (where weekday = 6), 0) as bigint) as saturday,
        cast(coalesce(sum(orders) filter (where weekday = 7), 0) as bigint) as sunday
    from bought
    group by customer_id
)

select
    customer_id,
    cast(
        case greatest(monday, tuesday, wednesday, thursday, friday, saturday, sunday)
            when monday then 1
            when tuesday then 2
            when wednesday then 3
            when thursday then 4
            when friday then 5
            when saturday then 6
            else 7
        end as bigint
    ) as preferred_weekday,
    cast(saturday + sunday as double) / orders as weekend_share_365d
from counted
