-- marts.quarantine_reason
-- One row per source, table, reason and column: how many rows were kept out.
-- key: source, table_name, reason, column_name
-- store: replace
-- inputs: quarantine.row
select source, table_name, reason, column_name, count(*) as rows
from quarantine.row
group by source, table_name, reason, column_name
