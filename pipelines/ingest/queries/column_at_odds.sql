-- query
-- One row per column in which rows of a batch say otherwise than the row of their key that counts: how many say what
-- that row lacks, how many another value, and where the first ones stand. `$critical`: only what rejects a batch.
-- key: column_name
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with each as (
    select *, unnest(lacking || differing) as column_name from "$told"
)

select
    column_name,
    count(*) as rows,
    list_transform(
        list_sort(min({'file': f.path, 'row': _row}, $samples)),
        lambda place: place.file || ':' || place.row
    ) as places
from each
join ingest.file as f on f.file_id = _file_id
where
    not $critical
    or conflicting
    and (list_contains(lacking, column_name) or list_contains(cast($decisive as varchar[]), column_name))
    or corrected
    and $money
    and list_contains(lacking, column_name)
    and list_contains(cast($decisive as varchar[]), column_name)
group by column_name
order by rows desc, column_name
