-- query
-- One row: the orders without a customer and what they brought, beside all orders. `keyed_revenue` is the part of
-- guests who have a guest key.
-- dialect: duckdb, marts are published as a DuckDB file
select
    cast(coalesce(sum(orders), 0) as bigint) as orders,
    cast(coalesce(sum(guest_orders), 0) as bigint) as guest_orders,
    coalesce(sum(revenue), 0) as revenue,
    coalesce(sum(guest_revenue), 0) as guest_revenue,
    coalesce(sum(guest_revenue), 0)
    + coalesce(
        (select sum(amount) from marts.revenue_bridge where source = '(all)' and step = 'guests'), 0
    ) as keyed_revenue
from marts.revenue_day
