-- query
-- One row per value with its score: 1 + floor(bins x share of members strictly worse), the unknown worst of all.
-- key: value
select value, 1 + cast("$bins" * worse as bigint) // cast(total as bigint) as score
from (
    select value, coalesce("$worse", 0) as worse, sum(members) over () as total
    from (select value, count(*) as members from "$members" as member where inside group by value)
)
where value is not null
