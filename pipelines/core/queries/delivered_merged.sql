-- query
-- One row per customer whose first delivery moved, by whom they count for now, or who others merged into or parted from.
-- key: customer_id, delivered_on
select coalesce(m.survivor_id, i.customer_id) as customer_id, i.delivered_on
from moved as i
left join core.customer_id_map as m on m.customer_id = i.customer_id
union
select d.customer_id, d.delivered_on
from core.delivered_customers as d
where d.customer_id in (
    select old_survivor from ingest.moved_customer where table_name = 'customers'
    union all
    select new_survivor from ingest.moved_customer where table_name = 'customers'
)
