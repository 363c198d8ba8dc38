-- query
-- One row: how many rows of a core table name something that the referenced table does not have.
-- An empty id names nothing; it stands where the column is part of the key.
select count(*) as rows_affected
from "$table" as a
anti join "$referenced" as b on a."$column" = b."$target"
where nullif(a."$column", '') is not null
