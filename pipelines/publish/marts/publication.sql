-- step: marts.publication
-- One row per published part, a segmentation or a table: its day, how old its data is, and whether it is held.
-- effective_at is the oldest watermark among its sources that have freshness limits; NULL where none has.
-- A held part stays as it was published on as_of_date; as_of_date is NULL if it never was.
-- key: kind, part
-- store: replace
select kind, part, sources, effective_at, as_of_date, held, held_since, reason
from publish.part
