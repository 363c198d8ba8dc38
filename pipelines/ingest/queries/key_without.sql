-- query
-- How many keys of a file, of those that its source still says, stand in a core table without a value in a column.
select count(*) as rows
from "$known" as k
inner join "$core" as c using ("$key")
where k._file_id = $file and not k._row_deleted and c."$column" is null
