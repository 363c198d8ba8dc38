-- query
-- One row per customer that others merged into, or who merged into nobody: the first day on which one of them came.
-- key: customer_id
select coalesce(m.survivor_id, d.customer_id) as customer_id, min(d.delivered_on) as delivered_on
from "$delivered" as d
left join core.customer_id_map as m on m.customer_id = d.customer_id
group by coalesce(m.survivor_id, d.customer_id)
