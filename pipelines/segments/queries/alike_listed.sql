-- query
-- One row per list of a segmentation and way of writing by which ids of it that are no member of the day differ
-- from one that is, and by nothing else: how many.
-- key: segment_id, kind
-- dialect: duckdb, which takes accents off letters; other engines have no function for it
with member as (
    select "$key" as id from "$features" as feature where as_of_date = $day
),

unknown as (
    select l.segment_id, l.entity_id as id
    from segments.list_member as l
    left join member as m on m.id = l.entity_id
    where l.segmentation_id = $id and m.id is null
),

formed_member as (
    select id, "$form" from member
),

formed_unknown as (
    select segment_id, id, "$form" from unknown
),

alike as (
    select l.segment_id, l.id, "$kind"
    from formed_unknown as l
    join formed_member as m on m.form = l.form
)

select segment_id, kind, count(distinct id) as ids
from alike
group by segment_id, kind
order by segment_id, kind
