-- query
-- One row per computed day that something bears on which changed after the mark of that day.
-- `$without` are tables that are not read.
-- key: day
select distinct known.day
from (select unnest($days::date[]) as day, unnest($marks::bigint[]) as mark) as known
inner join ingest.core_change as c
    on c.change_seq > known.mark
    and c.table_name not in (select unnest($without::varchar[]))
    and (c.first_day is null or c.first_day <= known.day)
