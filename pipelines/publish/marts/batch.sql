-- step: marts.batch
-- One row per batch and canonical table: landed = accepted + quarantined + repeated + conflicting + superseded + deleted.
-- Deleted are the keys a change feed deletes; keys_vanished are those a snapshot lacks of the one before, no landed rows.
-- key: batch_seq, table_name
-- store: replace
select
    b.batch_seq,
    b.source,
    t.table_name,
    b.status,
    b.files,
    t.rows_landed,
    t.rows_accepted,
    t.rows_quarantined,
    t.rows_repeated,
    t.rows_conflicting,
    t.rows_superseded,
    coalesce(d.rows_deleted, 0) as rows_deleted,
    coalesce(d.keys_vanished, 0) as keys_vanished,
    b.landed_at,
    b.reason
from ingest.batch as b
inner join ingest.batch_table as t on t.batch_seq = b.batch_seq
left join ingest.batch_deletion as d on d.batch_seq = t.batch_seq and d.table_name = t.table_name
