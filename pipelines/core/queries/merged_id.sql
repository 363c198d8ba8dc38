-- query
-- One row per id that merged or was merged into, by the map as it is or as it was before it changed for a table.
-- key: customer_id
select customer_id from core.customer_id_map
union
select survivor_id from core.customer_id_map
union
select customer_id from ingest.moved_customer where table_name = $table
union
select old_survivor from ingest.moved_customer where table_name = $table
union
select new_survivor from ingest.moved_customer where table_name = $table
