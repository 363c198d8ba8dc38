-- fragment: features.account
-- One row per account with members: customers whose account_id it is. A customer without one belongs to the
-- account of the same id.
-- key: account_id
select
    coalesce(c.account_id, f.customer_id) as account_id,
    count(*) as members,
    count(*) filter (where f.purchase_days_90d > 0) as active_members_90d,
    cast(sum(f.orders_90d) as bigint) as orders_90d,
    cast(sum(f.orders_365d) as bigint) as orders_365d,
    cast(sum(f.revenue_30d) as decimal(18, 4)) as revenue_30d,
    cast(sum(f.revenue_90d) as decimal(18, 4)) as revenue_90d,
    cast(sum(f.revenue_365d) as decimal(18, 4)) as revenue_365d,
    cast(sum(f.revenue_lifetime) as decimal(18, 4)) as revenue_lifetime,
    cast(
        case when count_if(f.margin_365d is null) = 0 then sum(f.margin_365d) end as decimal(18, 4)
    ) as margin_365d,
    min(f.first_purchase_date) as first_purchase_date,
    max(f.last_purchase_date) as last_purchase_date,
    date_diff('day', max(f.last_purchase_date), cast($as_of as date)) as recency_days
from features.customer as f
left join past.customers as c on c.customer_id = f.customer_id
where f.as_of_date = $as_of
group by coalesce(c.account_id, f.customer_id)
