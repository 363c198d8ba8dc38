-- marts.quarantine_reason
-- One row per source, table, reason and column: how many rows were kept out.
-- Orders that wait for a rate count too: they enter by themselves once it is there.
-- key: source, table_name, reason, column_name
-- store: replace
-- inputs: quarantine.row, money.held_order
select source, table_name, reason, column_name, count(*) as rows
from quarantine.row
group by source, table_name, reason, column_name
union all
select source, 'orders' as table_name, reason, column_name, count(*) as rows
from money.held_order
group by source, reason, column_name
