-- query
-- One row per key of core: of each column the first value that a source gives, in the order of the sources; where the
-- row stands is said by the first of them that has the key.
with said as (
    select k.*, "$placed"
    from "$known" as k
    where not k._row_deleted
)

select
    s._source,
    s._batch_seq,
    s._file_id,
    s._row,
    s."$key",
    "$value"
from said as s
qualify row_number() over (partition by s."$key" order by s."$leading") = 1
