-- query
-- One row per key that changed now: what it said before, since when, and until which day; or that it was not there.
select
    c."$key",
    w."$value",
    e._since,
    c.changed_on as _until,
    c.event = 'came' as _absent
from past_changed as c
left join past_was as w on "$same"
left join (
    select g."$key", max(g._until) as _since
    from "$given" as g
    semi join past_changed as c using ("$key")
    group by g."$key"
) as e on "$met"
