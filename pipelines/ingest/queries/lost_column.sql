-- query
-- One row per accepted file that counts and column of `$table` that it leaves empty, though files before it filled it.
-- Compared with the versions of the file before it, else with all files of its source in earlier batches. What says
-- everything (a snapshot, a file sent again) has lost whatever it has nothing of; of further rows all may be empty
-- by chance, and those have lost a column when it is not there, or when chance is smaller than `$chance`.
-- key: file_id, column_name
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with accepted as (
    select c.*, f.path, f.current
    from ingest.column_filled as c
    join ingest.file as f using (file_id)
    join ingest.batch as b on b.batch_seq = c.batch_seq
    where c.table_name = $table and b.status = 'accepted'
),

empty as (
    select * from accepted where current and rows > 0 and filled = 0
),

before as (
    select
        e.file_id,
        e.column_name,
        coalesce(bool_or(a.path = e.path), false) as sent_again,
        sum(a.filled) filter (where a.path = e.path) as filled_of_path,
        sum(a.rows) filter (where a.path = e.path) as rows_of_path,
        sum(a.filled) as filled_of_source,
        sum(a.rows) as rows_of_source
    from empty as e
    join accepted as a
        on a.source = e.source and a.column_name = e.column_name and a.batch_seq < e.batch_seq
    group by e.file_id, e.column_name
),

compared as (
    select
        e.*,
        b.sent_again or exists (
            select 1
            from ingest.batch_deletion as d
            where d.batch_seq = e.batch_seq and d.table_name = $table and d.keys_before > 0
        ) as is_whole,
        case when b.sent_again then b.filled_of_path else b.filled_of_source end as filled_before,
        case when b.sent_again then b.rows_of_path else b.rows_of_source end as rows_before
    from empty as e
    join before as b using (file_id, column_name)
)

select column_name, source, path, file_id, present, filled_before, rows_before
from compared
where
    filled_before > 0
    and (not present or is_whole or power(1 - (filled_before + 1) / (rows_before + 2), rows) < $chance)
order by file_id, column_name
