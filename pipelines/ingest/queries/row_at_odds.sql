-- query
-- One row per good row of a stage that says otherwise than the row of its key and batch that counts.
-- `lacking` are columns that it fills and the other does not, `differing` those that both fill, each in its way. It is
-- `conflicting` where nothing tells which of the two holds: no later file, no version, no order of a change feed; and
-- `corrected` where a later file does.
-- key: _file_id, _row
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with good as (
    select *, "$version" as _version, "$deletes" as _deletes, hash("$content") as _content
    from (select *, "$standing" as _standing from "$stage")
    where _fault_reason is null and _standing
),

torn as (
    select _batch_seq, "$key"
    from good
    group by _batch_seq, "$key"
    having min(_content) <> max(_content) or min(_deletes) <> max(_deletes)
),

placed as (
    select
        *,
        row_number() over (
            partition by _batch_seq, "$key"
            order by _version desc nulls last, _file_id desc, _row_filled desc, _row desc
        ) as _place
    from good
    semi join torn using (_batch_seq, "$key")
),

compared as (
    select
        r._batch_seq,
        r._file_id,
        r._row,
        r._file_id = c._file_id as beside,
        r._version is not distinct from c._version and not "$ordered" as undecided,
        r._deletes <> c._deletes as turned,
        list_filter("$lacking", lambda name: name is not null) as lacking,
        list_filter("$differing", lambda name: name is not null) as differing
    from placed as r
    join (select * from placed where _place = 1) as c using (_batch_seq, "$key")
    where r._place > 1
)

select
    _batch_seq,
    _file_id,
    _row,
    undecided and beside as conflicting,
    undecided and not beside as corrected,
    lacking,
    differing
from compared
where turned or len(lacking) > 0 or len(differing) > 0
