-- step: marts.coverage_of_events
-- One row per table that events refer to: how many of its ids some event names, and how many none does; over all,
-- and of those that came with the newest batch of their source.
-- key: table_name
-- store: replace
select
    table_name,
    ids,
    with_events,
    ids - with_events as without_events,
    cast(with_events as double) / nullif(ids, 0) as with_events_share,
    newest_ids,
    newest_with_events,
    cast(newest_with_events as double) / nullif(newest_ids, 0) as newest_with_events_share
from ingest.coverage_of_events
