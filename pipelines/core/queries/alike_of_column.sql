-- query
-- One row per way of writing by which ids of a column differ from others of their entity, and by nothing else.
-- key: kind
select kind, count(distinct n.id) as ids
from "$named" as n
join alike_id as a on a.id = n.id
group by kind
order by kind
