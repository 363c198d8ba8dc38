-- query
-- One row per customer and day with an order that has another rate than before, or is held or freed since.
-- What was before stands in the temporary tables `term_before` and `held_order_before`.
-- key: customer_id, business_date
with rated as (
    select currency, country, business_date
    from term_before as b
    inner join money.term as t using (currency, country, business_date)
    where b.currency_rate is distinct from t.currency_rate or b.vat_rate is distinct from t.vat_rate
),

moved as (
    (select order_id from held_order_before except select order_id from money.held_order)
    union all
    (select order_id from money.held_order except select order_id from held_order_before)
)

select o.customer_id, o.business_date
from core.orders as o
semi join rated as r
    on r.currency = coalesce(o.currency, '')
    and r.country = coalesce(o.country, '')
    and r.business_date = o.business_date
where o.customer_id is not null
union
select o.customer_id, o.business_date
from core.orders as o
semi join moved as m on m.order_id = o.order_id
where o.customer_id is not null
