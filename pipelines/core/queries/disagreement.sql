-- query
-- One row per key as the files give it, column and pair of sources that say different values of it, the source that
-- comes first in their order first: where both stand in the files.
select
    a."$key",
    v.column_name,
    a._source as source,
    b._source as other_source,
    a._file_id as file_id,
    a._row as row_at,
    b._file_id as other_file_id,
    b._row as other_row_at
from "$known" as a
inner join "$known" as b using ("$key")
cross join "$columns" as v
where "$earlier" and "$differs" and not a._row_deleted and not b._row_deleted
