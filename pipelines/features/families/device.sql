-- fragment: features.customer_state
-- One row per customer seen with a device, on the web or in the app in 365 days: which one the most often.
-- key: customer_id
with seen as (
    select
        i.customer_id,
        lower(i.device) as device,
        i.channel
    from facts.interactions as i
    where
        i.business_date >= $from_365
        and lower(coalesce(i.interaction_type, '')) not in ('sent', 'delivered', 'bounce', 'bounced')
),

used as (
    select customer_id, 'device' as kind, device as used, count(*) as times
    from seen
    where device is not null
    group by customer_id, device
    union all
    select customer_id, 'platform' as kind, channel as used, count(*) as times
    from seen
    where channel in ('web', 'app')
    group by customer_id, channel
),

placed as (
    select
        customer_id,
        kind,
        used,
        row_number() over (partition by customer_id, kind order by times desc, used) as place,
        count(*) over (partition by customer_id, kind) as choices
    from used
)

select
    customer_id,
    max(used) filter (where kind = 'device') as preferred_device,
    max(used) filter (where kind = 'platform') as preferred_platform,
    coalesce(max(choices) filter (where kind = 'device'), 0) as devices_365d
from placed
where place = 1
group by customer_id
