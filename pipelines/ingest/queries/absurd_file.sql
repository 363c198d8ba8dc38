-- query
-- The path of the file with the largest amount of a batch whose good amounts add up to more than `$limit`, signs aside.
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select f.path
from (
    select sum(abs("$amount")) as total, arg_max(_file_id, abs("$amount")) as file_id
    from "$stage"
    where _fault_reason is null
    group by _batch_seq
) as b
join ingest.file as f using (file_id)
where b.total > $limit
limit 1
