-- fragment: features.account
-- One row per account with members or orders. Members are the customers whose account_id it is; one without any is of
-- the account of the same id. Their orders are its own, but for those that name an account: these count there, whoever
-- placed them. Where a customer has such orders, all of theirs are counted one by one.
-- key: account_id
with named as (
    select distinct customer_id
    from core.orders
    where account_id is not null and customer_id is not null
),

placed as (
    select
        o.account_id,
        o.customer_id,
        o.order_id,
        o.business_date
    from facts.orders as o
    left join named as n on n.customer_id = o.customer_id
    where o.happened and (o.customer_id is null or n.customer_id is not null)
),

line as (
    select
        l.order_id,
        sum(l.revenue) as revenue,
        coalesce(sum(l.cost), 0) as cost,
        coalesce(sum(l.revenue) filter (where l.cost is null), 0) as revenue_without_cost
    from money.order_lines as l
    semi join placed as p on p.order_id = l.order_id
    group by l.order_id
),

valued as (
    select
        p.account_id,
        p.customer_id,
        p.business_date,
        coalesce(line.revenue, o.revenue, 0) as revenue,
        coalesce(line.cost, 0) as cost,
        coalesce(line.revenue_without_cost, o.revenue, 0) as revenue_without_cost
    from placed as p
    inner join money.orders as o on o.order_id = p.order_id
    left join line on line.order_id = p.order_id
),

bought as (
    select
        account_id,
        customer_id,
        count(*) filter (where business_date >= $from_90) as orders_90d,
        count(*) filter (where business_date >= $from_365) as orders_365d,
        coalesce(sum(revenue) filter (where business_date >= $from_30), 0) as revenue_30d,
        coalesce(sum(revenue) filter (where business_date >= $from_90), 0) as revenue_90d,
        coalesce(sum(revenue) filter (where business_date >= $from_365), 0) as revenue_365d,
        sum(revenue) as revenue_lifetime,
        cast(
            coalesce(
                sum(revenue - revenue_without_cost - cost) filter (where business_date >= $from_365), 0
            ) as decimal(18, 4)
        ) as margin_from_cost,
        coalesce(
            cast(sum(revenue_without_cost) filter (where business_date >= $from_365) as double), 0
        ) as revenue_without_cost,
        count_if(revenue_without_cost <> 0 and business_date >= $from_365) as orders_without_cost,
        min(business_date) as first_purchase_date,
        max(business_date) as last_purchase_date
    from valued
    group by account_id, customer_id
),

counted as (
    select
        coalesce(c.account_id, f.customer_id) as account_id,
        1 as members,
        case when f.purchase_days_90d > 0 then 1 else 0 end as active_members_90d,
        case when n.customer_id is null then f.orders_90d else 0 end as orders_90d,
        case when n.customer_id is null then f.orders_365d else 0 end as orders_365d,
        case when n.customer_id is null then f.revenue_30d else 0 end as revenue_30d,
        case when n.customer_id is null then f.revenue_90d else 0 end as revenue_90d,
        case when n.customer_id is null then f.revenue_365d else 0 end as revenue_365d,
        case when n.customer_id is null then f.revenue_lifetime else 0 end as revenue_lifetime,
        case when n.customer_id is null then f.margin_365d else 0 end as margin_365d,
        case when n.customer_id is null then f.first_purchase_date end as first_purchase_date,
        case when n.customer_id is null then f.last_purchase_date end as last_purchase_date
    from features.customer as f
    left join past.customers as c on c.customer_id = f.customer_id
    left join named as n on n.customer_id = f.customer_id
    where f.as_of_date = $as_of
    union all
    select
        account_id,
        0 as members,
        0 as active_members_90d,
        orders_90d,
        orders_365d,
        revenue_30d,
        revenue_90d,
        revenue_365d,
        revenue_lifetime,
        case
            when orders_without_cost = 0 then margin_from_cost
            else cast(
                margin_from_cost + cast(cast($margin_rate as double) * revenue_without_cost as decimal(18, 4))
                as decimal(18, 4)
            )
        end as margin_365d,
        first_purchase_date,
        last_purchase_date
    from bought
)

select
    account_id,
    cast(sum(members) as bigint) as members,
    cast(sum(active_members_90d) as bigint) as active_members_90d,
    cast(sum(orders_90d) as bigint) as orders_90d,
    cast(sum(orders_365d) as bigint) as orders_365d,
    cast(sum(revenue_30d) as decimal(18, 4)) as revenue_30d,
    cast(sum(revenue_90d) as decimal(18, 4)) as revenue_90d,
    cast(sum(revenue_365d) as decimal(18, 4)) as revenue_365d,
    cast(sum(revenue_lifetime) as decimal(18, 4)) as revenue_lifetime,
    cast(
        case when count_if(margin_365d is null) = 0 then sum(margin_365d) end as decimal(18, 4)
    ) as margin_365d,
    min(first_purchase_date) as first_purchase_date,
    max(last_purchase_date) as last_purchase_date,
    date_diff('day', max(last_purchase_date), cast($as_of as date)) as recency_days
from counted
group by account_id
