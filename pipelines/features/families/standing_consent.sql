-- fragment: features.customer_state
-- One row per customer, channel and purpose with a consent on record by $as_of: whether the latest day was a consent.
-- On one day a withdrawal outweighs. What the customer said as a contact counts too: the contact of the same id and
-- account is the same person.
-- key: customer_id, channel, purpose
with said as (
    select c.customer_id, c.channel, c.purpose, c.changed_on, c.granted
    from facts.consents as c
    union all
    select m.customer_id, w.channel, w.purpose, w.changed_on, w.granted
    from core.consents as w
    inner join core.contacts as p on p.contact_id = w.contact_id
    left join core.customer_id_map as i on i.customer_id = p.contact_id
    inner join core.customers as m
        on m.customer_id = coalesce(i.survivor_id, p.contact_id) and m.account_id = p.account_id
    where
        w.customer_id is null
        and w.changed_on <= $as_of
        and coalesce(p.created_on <= $as_of, true)
        and coalesce(m.created_on <= $as_of, true)
),

placed as (
    select
        customer_id,
        channel,
        lower(purpose) as purpose,
        bool_and(granted) as granted,
        row_number() over (partition by customer_id, channel, lower(purpose) order by changed_on desc) as place
    from said
    group by customer_id, channel, lower(purpose), changed_on
)

select customer_id, channel, purpose, granted
from placed
where place = 1
