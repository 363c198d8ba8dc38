-- step: money.held_order
-- One row per order that waits for a rate: in core, out of features and marts, in once the rate arrives.
-- key: order_id
-- store: replace
select o.order_id, o._source as source, 'no_currency_rate' as reason, 'currency' as column_name
from core.orders as o
inner join money.term as t
    on t.currency = coalesce(o.currency, '')
    and t.country = coalesce(o.country, '')
    and t.business_date = o.business_date
where t.currency_rate is null
union all
select
    a.order_id,
    min(o._source) as source,
    'no_vat_rate' as reason,
    'vat_rate' as column_name
from money.amount as a
inner join core.orders as o on o.order_id = a.order_id
where a.currency_rate is not null and a.vat_rate is null
group by a.order_id
