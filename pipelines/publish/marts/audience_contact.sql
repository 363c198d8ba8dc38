-- step: marts.audience_contact
-- One row per account and segment on the day of the run and person who stands there: whom to address, and how. A
-- channel is reachable where consent was given and no row of the person says otherwise: unknown is not a yes. An account
-- without contacts has no row. A person at several companies has a row for each.
-- key: segmentation_id, segment_id, account_id, contact_id
-- store: replace
with person as (
    select
        k.contact_id,
        k.account_id,
        k.role,
        k.decision_maker,
        coalesce(bool_and(k.email_consent) over (partition by k.contact_id), false) as reachable_email,
        coalesce(bool_and(k.phone_consent) over (partition by k.contact_id), false) as reachable_phone,
        coalesce(bool_and(k.post_consent) over (partition by k.contact_id), false) as reachable_post
    from known.contacts as k
)

select
    m.segmentation_id,
    m.segment_id,
    l.segment_name,
    m.entity_id as account_id,
    p.contact_id,
    p.role,
    p.decision_maker,
    p.reachable_email,
    p.reachable_phone,
    p.reachable_post,
    m.entered_date,
    cast($as_of as date) as as_of_date,
    e.effective_at
from segments.membership as m
inner join person as p on p.account_id = m.entity_id
inner join segments.label as l
    on l.segmentation_id = m.segmentation_id and l.segment_id = m.segment_id and l.entity_kind = m.entity_kind
left join publish.part as e on e.kind = 'segmentation' and e.part = m.segmentation_id
where m.entity_kind = 'account' and m.left_date is null
