-- fragment: features.customer_state
-- One row per customer whose place is known: its great-circle distance from a configured one, by the haversine formula.
-- 6371.0088 is the mean radius of the earth in km (IUGG).
-- key: customer_id
with place as (
    select
        a.customer_id,
        try_cast(a."$latitude" as double) as latitude,
        try_cast(a."$longitude" as double) as longitude
    from past.customers as a
    semi join known_customer as k on k.customer_id = a.customer_id
),

arc as (
    select
        customer_id,
        power(sin(0.5 * radians(latitude - $home_latitude)), 2)
        + cos(radians(latitude)) * cos(radians($home_latitude))
        * power(sin(0.5 * radians(longitude - $home_longitude)), 2) as haversine
    from place
    where latitude between -90 and 90 and longitude between -180 and 180
)

select customer_id, 2 * 6371.0088 * asin(sqrt(least(cast(1 as double), haversine))) as distance_km
from arc
