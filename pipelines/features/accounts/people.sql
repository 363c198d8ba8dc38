-- fragment: features.account
-- One row per account with contacts by $as_of: how many persons, who of them decides, who may be addressed.
-- key: account_id
select
    account_id,
    count(*) as contacts,
    count(*) filter (where decision_maker) as decision_makers,
    nullif(
        array_to_string(
            list_sort(list(distinct trim(role)) filter (where decision_maker and trim(role) <> '')), ', '
        ),
        ''
    ) as decision_maker_roles,
    count(*) filter (where email_consent) as contacts_reachable_email,
    count(*) filter (where phone_consent) as contacts_reachable_phone,
    count(*) filter (where post_consent) as contacts_reachable_post
from known.contacts
group by account_id
