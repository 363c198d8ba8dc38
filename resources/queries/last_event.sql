-- query
-- One row per asset, partition and kind of event: its last event in Dagster's index, a SQLite file.
select max(id) as id
from event_logs
where dagster_event_type in ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION')
group by dagster_event_type, asset_key, partition
