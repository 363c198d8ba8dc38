-- query
-- One row per column of `$names` that a batch brings to `$table`: its good rows, and those of them with a value.
-- key: column_name
select column_name, cast(sum(rows) as bigint) as rows, cast(sum(filled) as bigint) as filled
from ingest.column_filled
where batch_seq = $seq and table_name = $table and column_name in (select unnest($names))
group by column_name
order by column_name
