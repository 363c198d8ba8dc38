-- query
-- One row per key that was there on $as_of: as core has it, or as it was before it changed later.
select r.*
from "$core" as r
anti join (select p."$key" from "$past" as p where p._until > $as_of) as l on "$same"
union all
select p.* exclude (_since, _until, _absent)
from "$past" as p
where p._until > $as_of and (p._since is null or p._since <= $as_of) and not p._absent
