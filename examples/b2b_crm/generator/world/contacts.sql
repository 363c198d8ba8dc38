-- One to four persons at every account. What they may be sent is often not known.
with person as (
    select a.account_id, a.created_on, unnest(range(1, 2 + days('persons', a.account_id, 4))) as n
    from accounts as a
),

named as (select *, account_id || '-' || n as contact_id from person)

select
    contact_id,
    account_id,
    one_of('first', contact_id, ['Aino', 'Eero', 'Greta', 'Jonas', 'Liis', 'Olav', 'Sanna', 'Viktor']) as first_name,
    one_of('last', contact_id, ['Berg', 'Dahl', 'Kask', 'Lahti', 'Meyer', 'Niemi', 'Saar', 'Virta']) as last_name,
    'person.' || lower(contact_id) || '@example.com' as email,
    one_of('role', contact_id, ['Owner', 'Purchasing', 'Purchasing', 'Production', 'Maintenance', 'Finance'])
        as role,
    case when chance('email known', contact_id) > 0.15 then chance('email', contact_id) < 0.6 end as may_email,
    case when chance('phone known', contact_id) > 0.3 then chance('phone', contact_id) < 0.4 end as may_call,
    case when chance('post known', contact_id) > 0.3 then chance('post', contact_id) < 0.7 end as may_post,
    created_on + days('joined', contact_id, 200) as created_on
from named
where created_on + days('joined', contact_id, 200) <= getvariable('through')
