-- step: marts.account_segment_movement
-- One row per segmentation and pair of segments: how many accounts went from one to the other since the previous
-- recorded day, those who stayed included. A NULL origin is no account yet. Of segments that overlap nobody goes
-- from one to another: there, a row is who stayed, or with a NULL origin who came.
-- key: segmentation_id, from_segment_id, to_segment_id
-- store: replace
with arrival as (
    select segmentation_id, segment_id, entity_id
    from segments.membership
    where entity_kind = 'account' and left_date is null and $previous_date is not null
),

origin as (
    select segmentation_id, segment_id, entity_id
    from segments.membership
    where
        entity_kind = 'account'
        and entered_date <= $previous_date
        and (left_date is null or left_date > $previous_date)
),

movement as (
    select
        t.segmentation_id,
        f.segment_id as from_segment_id,
        t.segment_id as to_segment_id,
        count(*) as accounts
    from arrival as t
    left join origin as f
        on f.segmentation_id = t.segmentation_id
        and f.entity_id = t.entity_id
        and (
            f.segment_id = t.segment_id
            or f.segmentation_id not in (select segmentation_id from segments.label where not exclusive)
        )
    group by t.segmentation_id, f.segment_id, t.segment_id
)

select
    cast($previous_date as date) as from_date,
    cast($as_of as date) as to_date,
    m.segmentation_id,
    m.from_segment_id,
    coalesce(lf.segment_name, m.from_segment_id) as from_segment_name,
    m.to_segment_id,
    coalesce(lt.segment_name, m.to_segment_id) as to_segment_name,
    m.accounts
from movement as m
left join segments.label as lf on lf.segmentation_id = m.segmentation_id and lf.segment_id = m.from_segment_id
left join segments.label as lt on lt.segmentation_id = m.segmentation_id and lt.segment_id = m.to_segment_id
