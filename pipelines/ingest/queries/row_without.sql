-- query
-- How many rows of a file stand in a core table without a value in a column.
select count(*) as rows from "$core" where _file_id = $file and "$column" is null
