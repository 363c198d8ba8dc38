-- query
-- One row per table with customers and id that counts for another customer now than before.
-- key: table_name, customer_id
select
    t.table_name,
    customer_id,
    coalesce(was.survivor_id, customer_id) as old_survivor,
    coalesce(now.survivor_id, customer_id) as new_survivor
from core.customer_id_map as was
full join chain as now using (customer_id)
cross join (select unnest($tables) as table_name) as t
where was.survivor_id is distinct from now.survivor_id
