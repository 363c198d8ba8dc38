-- query
-- One row per source and id that a column of a core table names, with the rows that name it: all of them, and
-- those of the newest batch of the source that is in the table.
-- key: source, id
select
    a._source as source,
    a."$column" as id,
    count(*) as named_rows,
    count(n.newest_seq) as newest_rows
from "$table" as a
left join (select max(_batch_seq) as newest_seq from "$table" as b group by _source) as n
    on n.newest_seq = a._batch_seq
where nullif(a."$column", '') is not null
group by a._source, a."$column"
