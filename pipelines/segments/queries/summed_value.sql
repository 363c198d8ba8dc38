-- query
-- One row per value above 0: what larger values bring together, and what all do.
-- key: value
select
    value,
    cast(
        coalesce(sum(worth) over (order by value desc rows between unbounded preceding and 1 preceding), 0) as double
    ) as above,
    cast(sum(worth) over () as double) as total
from (select value, sum(value) as worth from "$members" as member where value > 0 group by value)
