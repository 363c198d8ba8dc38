-- fragment: features.customer_state
-- One row per customer with a consent on record by $as_of: whether the latest of each channel was given. Where
-- there is none, it is not known, and that is not a yes.
-- key: customer_id
with latest as (
    select
        c.customer_id,
        c.channel,
        c.granted,
        row_number() over (partition by c.customer_id, c.channel order by c.changed_on desc) as place
    from facts.consents as c
)

select
    customer_id,
    bool_or(granted) filter (where channel = 'email') as reachable_email,
    bool_or(granted) filter (where channel = 'sms') as reachable_sms,
    bool_or(granted) filter (where channel = 'phone') as reachable_phone,
    bool_or(granted) filter (where channel = 'post') as reachable_post,
    bool_or(granted) filter (where channel = 'push') as reachable_push,
    count(*) filter (where granted) as reachable_channels
from latest
where place = 1
group by customer_id
