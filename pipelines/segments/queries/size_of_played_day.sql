-- query
-- One row per segment and played day: its size, who came and went since the played day before, the record's size.
-- key: as_of_date, segment_id
-- dialect: duckdb, the record is DuckDB's own
with day as (
    select as_of_date, lag(as_of_date) over (order by as_of_date) as before
    from (select unnest($days::date[]) as as_of_date)
),

recorded_day as (
    select d.as_of_date
    from day as d
    semi join "$recorded_day" as r using (as_of_date)
),

known as (
    select d.as_of_date, m.segment_id, count(*) as members
    from recorded_day as d
    join "$membership" as m
        on m.segmentation_id = $id
        and m.entity_kind = $entity
        and m.entered_date <= d.as_of_date
        and (m.left_date is null or m.left_date > d.as_of_date)
    group by d.as_of_date, m.segment_id
),

-- A segmentation had members on every day that it was recorded.
told as (
    select distinct as_of_date from known
),

entered as (
    select d.as_of_date, p.segment_id, count(*) as members
    from day as d
    join segments.played as p using (as_of_date)
    left join segments.played as b
        on b.as_of_date = d.before and b.segment_id = p.segment_id and b.entity_id = p.entity_id
    where d.before is not null and b.entity_id is null
    group by d.as_of_date, p.segment_id
),

departed as (
    select d.as_of_date, b.segment_id, count(*) as members
    from day as d
    join segments.played as b on b.as_of_date = d.before
    left join segments.played as p
        on p.as_of_date = d.as_of_date and b.segment_id = p.segment_id and b.entity_id = p.entity_id
    where p.entity_id is null
    group by d.as_of_date, b.segment_id
),

size as (
    select as_of_date, segment_id, count(*) as members from segments.played group by all
),

segment as (
    select unnest($segments::varchar[]) as segment_id, unnest(range(len($segments))) as position
    union all
    select segment_id, 999 as position
    from (select distinct segment_id from known)
    where not list_contains($segments::varchar[], segment_id)
)

select
    d.as_of_date,
    s.segment_id,
    coalesce(z.members, 0) as members,
    coalesce(e.members, 0) as entered,
    coalesce(l.members, 0) as departed,
    case when t.as_of_date is not null then coalesce(k.members, 0) end as recorded
from day as d
cross join segment as s
left join size as z on z.as_of_date = d.as_of_date and z.segment_id = s.segment_id
left join entered as e on e.as_of_date = d.as_of_date and e.segment_id = s.segment_id
left join departed as l on l.as_of_date = d.as_of_date and l.segment_id = s.segment_id
left join known as k on k.as_of_date = d.as_of_date and k.segment_id = s.segment_id
left join told as t on t.as_of_date = d.as_of_date
order by d.as_of_date, s.position, s.segment_id
