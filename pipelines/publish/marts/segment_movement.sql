-- step: marts.segment_movement
-- One row per period, segmentation and pair of segments: how many members, customers or accounts, went from one to
-- the other, those who stayed included. A NULL origin is no member yet. Of segments that overlap nobody goes from one
-- to another: there, a row is who stayed, or with a NULL origin who came. Periods: since the previous recorded day
-- ('day') and since the day four weeks before ('four_weeks').
-- key: period, segmentation_id, from_segment_id, to_segment_id
-- store: replace
with period as (
    select 'day' as period, cast($previous_date as date) as from_date where $previous_date is not null
    union all
    select 'four_weeks' as period, cast($baseline as date) as from_date
    where $baseline in (select as_of_date from segments.assignment)
),

arrival as (
    select p.period, p.from_date, a.segmentation_id, a.segment_id, a.entity_kind, a.entity_id
    from period as p
    cross join segments.assignment as a
    where a.as_of_date = $as_of
),

movement as (
    select
        t.period,
        t.from_date,
        t.segmentation_id,
        t.entity_kind,
        f.segment_id as from_segment_id,
        t.segment_id as to_segment_id,
        count(*) as members
    from arrival as t
    left join segments.assignment as f
        on f.as_of_date = t.from_date
        and f.segmentation_id = t.segmentation_id
        and f.entity_kind = t.entity_kind
        and f.entity_id = t.entity_id
        and (
            f.segment_id = t.segment_id
            or f.segmentation_id not in (select segmentation_id from segments.label where not exclusive)
        )
    group by t.period, t.from_date, t.segmentation_id, t.entity_kind, f.segment_id, t.segment_id
)

select
    m.period,
    m.from_date,
    cast($as_of as date) as to_date,
    m.segmentation_id,
    m.entity_kind,
    m.from_segment_id,
    coalesce(lf.segment_name, m.from_segment_id) as from_segment_name,
    m.to_segment_id,
    coalesce(lt.segment_name, m.to_segment_id) as to_segment_name,
    m.members
from movement as m
left join segments.label as lf on lf.segmentation_id = m.segmentation_id and lf.segment_id = m.from_segment_id
left join segments.label as lt on lt.segmentation_id = m.segmentation_id and lt.segment_id = m.to_segment_id
