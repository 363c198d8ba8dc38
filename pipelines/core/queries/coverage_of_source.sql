-- query
-- One row per source whose rows name ids in a column: rows and ids, and those of them that the table of the
-- entity has; over all, and over the newest batch of the source.
-- key: source
select
    n.source,
    cast(sum(n.named_rows) as bigint) as named_rows,
    cast(sum(case when k.id is not null then n.named_rows else 0 end) as bigint) as known_rows,
    count(*) as named_ids,
    count(k.id) as known_ids,
    cast(sum(n.newest_rows) as bigint) as newest_named_rows,
    cast(sum(case when k.id is not null then n.newest_rows else 0 end) as bigint) as newest_known_rows,
    count(*) filter (where n.newest_rows > 0) as newest_named_ids,
    count(k.id) filter (where n.newest_rows > 0) as newest_known_ids
from "$named" as n
left join (select distinct id from "$keys" as s) as k on k.id = n.id
group by n.source
order by n.source
