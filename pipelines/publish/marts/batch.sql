-- marts.batch
-- One row per batch and canonical table: landed = accepted + quarantined + superseded.
-- key: batch_seq, table_name
-- store: replace
-- inputs: ingest.batch, ingest.batch_table
select
    b.batch_seq,
    b.source,
    t.table_name,
    b.status,
    b.files,
    t.rows_landed,
    t.rows_accepted,
    t.rows_quarantined,
    t.rows_superseded,
    b.landed_at,
    b.reason
from ingest.batch as b
inner join ingest.batch_table as t on t.batch_seq = b.batch_seq
