-- step: marts.contact
-- One row per contact and company they stand at on the day of the run; of a contact without a company one row.
-- is_primary marks the company at which money that the person brings in counts. A channel is reachable where consent was
-- given and no row of the person says otherwise: unknown is not a yes. Further columns that a mapping names stand behind,
-- unless they look personal.
-- key: contact_id, account_id
-- store: replace
select
    k.contact_id,
    nullif(k.account_id, '') as account_id,
    k.account_id <> '' and row_number() over (
        partition by k.contact_id
        order by
            case when k.account_id = '' then 1 else 0 end,
            case when k.primary_account then 0 else 1 end,
            k.account_id
    ) = 1 as is_primary,
    k.role,
    k.decision_maker,
    coalesce(bool_and(k.email_consent) over (partition by k.contact_id), false) as reachable_email,
    coalesce(bool_and(k.phone_consent) over (partition by k.contact_id), false) as reachable_phone,
    coalesce(bool_and(k.post_consent) over (partition by k.contact_id), false) as reachable_post,
    k.created_on,
    cast($as_of as date) as as_of_date,
    (select effective_at from publish.part where kind = 'table' and part = 'account') as effective_at,
    k.* exclude (
        contact_id,
        account_id,
        primary_account,
        role,
        decision_maker,
        email_consent,
        phone_consent,
        post_consent,
        created_on,
        _source,
        _batch_seq,
        _file_id,
        _row
    )
from known.contacts as k
