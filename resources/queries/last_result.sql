-- query
-- One row per check and partition: its last result in Dagster's index, a SQLite file.
select max(id) as id
from asset_check_executions
where execution_status <> 'PLANNED'
group by asset_key, check_name, partition
