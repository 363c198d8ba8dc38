-- query
-- One row per key of a batch whose row leaves blank what the same source said of it in an earlier batch: in `lacking`
-- the columns, of those that say whose a row is, when it was and how much. A file that is sent again in place of an
-- earlier one may say less.
-- key: _file_id, _row
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with placed as (
    select
        *,
        row_number() over (
            partition by _batch_seq, "$key" order by _file_id desc, _row_filled desc, _row desc
        ) as _place
    from (select *, "$standing" as _standing from "$stage")
    where _fault_reason is null and _standing
),

resent as (
    select e.file_id
    from ingest.file as e
    join ingest.file as l on l.source = e.source and l.path = e.path
    where e.source = $source and l.batch_seq = $seq and e.file_id < l.file_id
),

emptied as (
    select r._batch_seq, r._file_id, r._row, list_filter("$lacking", lambda name: name is not null) as lacking
    from (select * from placed where _place = 1 and "$blank") as r
    join (
        select * from "$earlier" where _source = $source and _batch_seq < $seq
    ) as c on "$same"
    where c._file_id not in (select file_id from resent)
)

select
    _batch_seq,
    _file_id,
    _row,
    false as conflicting,
    true as corrected,
    lacking,
    cast([] as varchar[]) as differing
from emptied
where len(lacking) > 0
