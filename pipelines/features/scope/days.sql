-- fragment: features.customer_day
-- One row per customer and business day that orders or lines touched. Of a customer who was touched without a day,
-- every day with an order, and every one that the state knows: the order may be gone.
-- key: customer_id, business_date
with whole as (
    select distinct customer_id
    from ingest.dirty_day
    where business_date is null
)

select customer_id, business_date
from ingest.dirty_day
where business_date is not null
union
select o.customer_id, o.business_date
from core.orders as o
semi join whole as w on w.customer_id = o.customer_id
union
select d.customer_id, d.business_date
from features.customer_day as d
semi join whole as w on w.customer_id = d.customer_id
