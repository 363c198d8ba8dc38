-- query
-- One row per flow of members from one segment, or nowhere, to another, the largest first, with a sample of their ids.
-- key: came, goes
-- dialect: duckdb, a sample as a list in an order
select
    came,
    goes,
    count(*) as members,
    coalesce(sum(worth), 0) as revenue,
    list(entity_id order by md5(entity_id)) filter (where place <= $sample) as ids
from (
    select *, row_number() over (partition by came, goes order by md5(entity_id)) as place
    from "$moves" as moves
)
group by came, goes
order by members desc, came nulls first, goes nulls first
