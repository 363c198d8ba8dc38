-- query
-- One row per cut point of a day: a value as text, NULL where no value reaches its position.
-- key: as_of_date, segmentation_id, name, position
select
    cast($as_of as date) as as_of_date,
    cast($segmentation as varchar) as segmentation_id,
    cast($name as varchar) as name,
    position,
    value
from "$point" as point
