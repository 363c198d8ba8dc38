-- step: marts.freshness
-- One row per source with an event time: its newest event by the end of the day, and the limits.
-- key: source
-- store: replace
select source, table_name, watermark_at, watermark_date, age_days, warn_after_days, fail_after_days, status
from ingest.freshness
