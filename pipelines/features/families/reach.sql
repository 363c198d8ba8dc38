-- fragment: features.customer_state
-- One row per customer with a consent on record by $as_of: through which channels they may be addressed for a purpose.
-- Where there is no consent, it is not known, and that is not a yes.
-- key: customer_id
select
    c.customer_id,
    bool_or(c.granted) filter (where c.channel = 'email') as reachable_email,
    bool_or(c.granted) filter (where c.channel = 'sms') as reachable_sms,
    bool_or(c.granted) filter (where c.channel = 'phone') as reachable_phone,
    bool_or(c.granted) filter (where c.channel = 'post') as reachable_post,
    bool_or(c.granted) filter (where c.channel = 'push') as reachable_push,
    count(*) filter (where c.granted) as reachable_channels
from standing_consent as c
where c.purpose = $purpose_0
group by c.customer_id
