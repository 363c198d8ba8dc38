-- query
-- One row per survivor of a merge and span in which one of those merged stood otherwise: what would have been core's
-- row then. As in core, of each column the survivor's own value counts, else the first of those who merged into them.
-- A column of which all of them said what they say now has the value that core has now.
-- dialect: duckdb, where the past of core is stored
with member as (
    select customer_id as given_id, survivor_id from core.customer_id_map
    union
    select survivor_id as given_id, survivor_id from core.customer_id_map
),

former as (
    select p.*, m.given_id, m.survivor_id
    from "$given" as p
    inner join member as m on m.given_id = p.customer_id
),

present as (
    select n.*, m.given_id, m.survivor_id
    from "$now" as n
    inner join member as m on m.given_id = n.customer_id
),

standing as (
    select *, _until is null as is_now from former
    union all by name
    select p.*, (select max(f._until) from former as f where f.given_id = p.given_id) as _since, true as is_now
    from present as p
),

turn as (
    select survivor_id, _until as day from former
    union
    select survivor_id, _since as day from standing
),

span as (
    select survivor_id, day as since, lead(day) over (partition by survivor_id order by day nulls first) as until
    from turn
),

placed as (
    select
        s.survivor_id as span_id,
        s.since as span_since,
        s.until as span_until,
        v.*,
        case when v.given_id = s.survivor_id then 0 else 1 end as absorbed,
        "$unchanged"
    from span as s
    left join standing as v
        on v.survivor_id = s.survivor_id
        and not coalesce(v._absent, false)
        and (v._since is null or v._since <= s.since)
        and (v._until is null or (s.since is null and v._since is null) or v._until > s.since)
    left join present as p on p.given_id = v.given_id
    where s.until is not null
),

complete as (
    select s.span_id, s.span_since, count(s.given_id) = any_value(m.members) as everyone
    from placed as s
    inner join (select survivor_id, count(*) as members from present group by survivor_id) as m
        on m.survivor_id = s.span_id
    group by s.span_id, s.span_since
)

select "$value", s.span_since as _since, s.span_until as _until, s.given_id is null as _absent
from placed as s
left join complete as f on f.span_id = s.span_id and f.span_since is not distinct from s.span_since
left join "$core" as n on n.customer_id = s.span_id
qualify row_number() over (partition by s.span_id, s.span_since order by s.absorbed, s.given_id) = 1
