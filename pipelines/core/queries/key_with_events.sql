-- query
-- One row: how many ids the table of an entity has, and how many of them some event names; over all, and of
-- those that came with the newest batch of their source.
select
    count(*) as ids,
    count(e.id) as with_events,
    count(*) filter (where k.newest_rows > 0) as newest_ids,
    count(e.id) filter (where k.newest_rows > 0) as newest_with_events
from (select id, sum(newest_rows) as newest_rows from "$keys" as s group by id) as k
left join (select distinct id from "$events" as named) as e on e.id = k.id
