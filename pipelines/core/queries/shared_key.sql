-- query
-- One row per source that says a key which another says too, of those that number for themselves: how many such keys
-- there are in all, and where the first two of them stand in its files.
-- key: source
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with told as (
    select _source, _file_id, _row, "$key"
    from "$said" as said
    where list_contains($alone, _source)
),

met as (
    select "$key", dense_rank() over (order by "$key") as nth
    from told
    group by "$key"
    having count(distinct _source) > 1
),

place as (
    select _source, nth, min({'file': _file_id, 'row': _row}) as place
    from told
    join met using ("$key")
    group by _source, nth
)

select
    p._source as source,
    (select count(*) from met) as keys,
    list(f.path || ':' || p.place.row order by nth) filter (where nth <= 2) as places
from place as p
join ingest.file as f on f.file_id = p.place.file
group by p._source
order by p._source
