-- query
-- One row per batch of some files and a canonical table: where its rows went.
-- What landed is counted in the ledger of files, not in the stage: a row lost on the way must show.
-- `kept` and `gone` say of a key 1 or 0: whether a row of it is kept, and whether it is deleted. The other rows of a
-- key repeat the one that counts, conflict with it, or are superseded by it: by a later file, a version or a change.
-- key: batch_seq
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with landed as (
    select batch_seq as _batch_seq, cast(sum(rows) as bigint) as landed
    from ingest.file
    where file_id in (select unnest($files))
    group by batch_seq
),

good as (
    select _batch_seq, sum(n) as rows, sum(kept) as kept, sum(gone) as gone, sum(further) as further
    from (
        select
            _batch_seq,
            count(*) as n,
            "$kept" as kept,
            "$gone" as gone,
            greatest(count(*) filter (where _standing) - 1, 0) as further
        from (select *, "$standing" as _standing from "$stage")
        where _fault_reason is null
        group by _batch_seq, "$key"
    )
    group by _batch_seq
),

at_odds as (
    select _batch_seq, count(*) as rows, count(*) filter (where conflicting) as conflicting
    from "$row_at_odds"
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
    coalesce(good.further, 0) - coalesce(at_odds.rows, 0) as rows_repeated,
    coalesce(at_odds.conflicting, 0) as rows_conflicting,
    coalesce(good.rows - good.kept - good.gone - good.further, 0)
    + coalesce(at_odds.rows - at_odds.conflicting, 0) as rows_superseded
from landed
left join good using (_batch_seq)
left join at_odds using (_batch_seq)
left join bad using (_batch_seq)
