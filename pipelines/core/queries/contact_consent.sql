-- query
-- One row per contact, channel and purpose with a dated consent by $as_of: whether the latest day was a consent.
-- On one day a withdrawal outweighs. What the contact said as a customer counts too: the customer of the same id and
-- account is the same person.
-- key: contact_id, channel, purpose
with said as (
    select contact_id, channel, lower(purpose) as purpose, changed_on, granted
    from core.consents
    where contact_id is not null and changed_on <= $as_of
    union all
    select p.contact_id, c.channel, lower(c.purpose) as purpose, c.changed_on, c.granted
    from core.contacts as p
    left join core.customer_id_map as i on i.customer_id = p.contact_id
    inner join core.customers as m
        on m.customer_id = coalesce(i.survivor_id, p.contact_id) and m.account_id = p.account_id
    inner join core.consents as c on c.customer_id = m.customer_id
    where
        c.changed_on <= $as_of
        and coalesce(p.created_on <= $as_of, true)
        and coalesce(m.created_on <= $as_of, true)
),

placed as (
    select
        contact_id,
        channel,
        purpose,
        bool_and(granted) as granted,
        row_number() over (partition by contact_id, channel, purpose order by changed_on desc) as place
    from said
    group by contact_id, channel, purpose, changed_on
)

select contact_id, channel, purpose, granted
from placed
where place = 1
