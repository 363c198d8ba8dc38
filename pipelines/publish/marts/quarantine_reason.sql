-- marts.quarantine_reason
-- One row per source, table, reason and column: how many rows were kept out, and where
-- five of them stand. Orders that wait for a rate count too: they enter by themselves once it is there.
-- key: source, table_name, reason, column_name
-- store: replace
-- inputs: quarantine.row, money.held_order
select source, table_name, reason, column_name, count(*) as rows,
    array_to_string(list_sort(min(file || ':' || row_number, 5)), '; ') as samples
from quarantine.row
group by source, table_name, reason, column_name
union all
select source, 'orders' as table_name, reason, column_name, count(*) as rows, cast(null as varchar) as samples
from money.held_order
group by source, reason, column_name
