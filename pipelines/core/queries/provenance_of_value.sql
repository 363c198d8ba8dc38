-- query
-- One row per key and column of core that has a value: which source gave it, and where it stands in the files.
with said as (
    select k.*, "$placed"
    from "$known" as k
    where not k._row_deleted
),

ranked as (
    select s.*, row_number() over (partition by s."$key" order by s."$leading") as _nth
    from said as s
),

value_said as (
    select
        s.*,
        v.column_name,
        "$rank" as _rank
    from ranked as s
    cross join "$columns" as v
    where "$says" and (s._nth = 1 or not "$together")
)

select
    s."$key",
    s.column_name,
    s._source,
    s._batch_seq,
    s._file_id,
    s._row
from value_said as s
qualify row_number() over (partition by s."$key", s.column_name order by s."$order") = 1
