-- marts.quarantine_reason
-- One row per source, table, reason and column: how many rows were kept out, and where
-- five of them stand.
-- key: source, table_name, reason, column_name
-- store: replace
-- inputs: quarantine.row
select source, table_name, reason, column_name, count(*) as rows,
    array_to_string(list_sort(min(file || ':' || row_number, 5)), '; ') as samples
from quarantine.row
group by source, table_name, reason, column_name
