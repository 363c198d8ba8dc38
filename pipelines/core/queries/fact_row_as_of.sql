-- query
-- One row per key of facts that was there on $as_of: as core has it, or as it was before it changed later. What is
-- known now to have ended by then is as core has it.
select r.*
from "$core" as r
anti join (
    select l."$key"
    from "$past" as l
    anti join (select e."$key" from "$core" as e where "$over") as r on "$same"
    where l._until > $as_of
) as l on "$same"
union all
select l.* exclude (_since, _until, _absent)
from "$past" as l
anti join (select e."$key" from "$core" as e where "$over") as r on "$same"
where l._until > $as_of and (l._since is null or l._since <= $as_of) and not l._absent
