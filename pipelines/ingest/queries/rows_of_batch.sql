-- query
-- One row per batch of some files and a canonical table: where its rows went.
-- What landed is counted in the ledger of files, not in the stage: a row lost on the way must show.
-- `kept` and `gone` say of a key 1 or 0: whether a row of it is kept, and whether it is deleted.
-- key: batch_seq
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with landed as (
    select batch_seq as _batch_seq, cast(sum(rows) as bigint) as landed
    from ingest.file
    where file_id in (select unnest($files))
    group by batch_seq
),

good as (
    select _batch_seq, sum(n) as rows, sum(kept) as kept, sum(gone) as gone
    from (
        select _batch_seq, count(*) as n, "$kept" as kept, "$gone" as gone
        from "$stage"
        where _fault_reason is null
        group by _batch_seq, "$key"
    )
    group by _batch_seq
),

bad as (
    select _batch_seq, count(*) as rows
    from "$stage"
    where _fault_reason is not null
    group by _batch_seq
)

select
    _batch_seq as batch_seq,
    $source as source,
    $table as table_name,
    landed as rows_landed,
    coalesce(good.kept, 0) as rows_accepted,
    coalesce(bad.rows, 0) as rows_quarantined,
    coalesce(good.rows - good.kept - good.gone, 0) as rows_superseded
from landed
left join good using (_batch_seq)
left join bad using (_batch_seq)
