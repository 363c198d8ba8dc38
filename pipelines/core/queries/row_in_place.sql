-- query
-- One row per row of a file of $sources that counts in a core table: where it stands, and some of its columns.
-- key: _source, _file_id, _row
select s._source, s._file_id, s._row, s."$columns"
from "$standing" as s
where "$live" and list_contains($sources, s._source)
