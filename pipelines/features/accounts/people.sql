-- fragment: features.account
-- One row per account with contacts by $as_of: how many persons, who of them decides, who may be addressed. Who stands
-- at several counts at each. A no of a person at one company is a no at all of them.
-- key: account_id
with person as (
    select
        account_id,
        trim(role) as role,
        decision_maker,
        bool_and(email_consent) over (partition by contact_id) as email_consent,
        bool_and(phone_consent) over (partition by contact_id) as phone_consent,
        bool_and(post_consent) over (partition by contact_id) as post_consent
    from known.contacts
)

select
    account_id,
    count(*) as contacts,
    count(*) filter (where decision_maker) as decision_makers,
    nullif(
        array_to_string(
            list_sort(list(distinct role) filter (where decision_maker and role <> '')), ', '
        ),
        ''
    ) as decision_maker_roles,
    count(*) filter (where email_consent) as contacts_reachable_email,
    count(*) filter (where phone_consent) as contacts_reachable_phone,
    count(*) filter (where post_consent) as contacts_reachable_post
from person
group by account_id
