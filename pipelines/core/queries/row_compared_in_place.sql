-- query
-- One row per row of a file of $source that counted before and counts now: of some columns whether it gave a value,
-- and whether that is gone.
-- key: _file_id, _row
select s._file_id, s._row, "$flags"
from emptied_was as w
inner join "$standing" as s on s._source = w._source and s._file_id = w._file_id and s._row = w._row
where "$live" and s._source = $source
