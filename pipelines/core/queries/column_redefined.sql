-- query
-- One row per column of which the same landed row says something else than before: it is mapped otherwise now.
-- key: column_name
-- dialect: duckdb, a row is turned into columns by lists
with paired as (
    select "$compared"
    from "$was" as w
    inner join "$now" as n on "$same"
    where
        w._source = n._source and w._batch_seq = n._batch_seq and w._file_id = n._file_id and w._row = n._row
)

select distinct value.name as column_name
from (select unnest(compared) as value from paired) as compared_value
where value.was is distinct from value.now
