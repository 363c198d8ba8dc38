-- query
-- One row per column of ids of a table: how many of its rows name an id that the table referred to has, and of
-- those of the newest batches; all sources together.
-- key: column_name
select
    column_name,
    referenced_table,
    cast(sum(named_rows) as bigint) as named,
    cast(sum(known_rows) as bigint) as known,
    cast(sum(newest_named_rows) as bigint) as newest_named,
    cast(sum(newest_known_rows) as bigint) as newest_known
from ingest.coverage
where table_name = $table
group by column_name, referenced_table
order by column_name
