-- step: features.entry_product
-- One row per category and product that some customer bought first: how many they are, what they bring, and how
-- many of them are among the top tenth of customers by revenue in 365 days. Ties at the edge of the tenth are in.
-- key: kind, name
-- store: replace
with buyer as (
    select entry_category, entry_product, revenue_365d
    from features.customer
    where as_of_date = $as_of and first_purchase_date is not null
),

valued as (
    select
        revenue_365d,
        sum(count(*)) over (order by revenue_365d desc) as customers_from_top,
        sum(count(*)) over () as customers,
        count(*) as customers_here
    from buyer
    group by revenue_365d
),

-- The lowest revenue of the top tenth: whoever has fewer than a tenth of all above.
edge as (
    select min(revenue_365d) as revenue_365d
    from valued
    where customers_from_top - customers_here < cast(customers as double) / 10
),

entered as (
    select 'category' as kind, b.entry_category as name, b.revenue_365d, b.revenue_365d >= e.revenue_365d as top
    from buyer as b
    cross join edge as e
    where b.entry_category is not null
    union all
    select 'product' as kind, b.entry_product as name, b.revenue_365d, b.revenue_365d >= e.revenue_365d as top
    from buyer as b
    cross join edge as e
    where b.entry_product is not null
)

select
    cast($as_of as date) as as_of_date,
    kind,
    name,
    count(*) as customers,
    cast(sum(revenue_365d) as double) / count(*) as revenue_365d_mean,
    cast(count_if(top) as bigint) as top_tenth_customers,
    cast(count_if(top) as double) / count(*) as top_tenth_share
from entered
group by kind, name
