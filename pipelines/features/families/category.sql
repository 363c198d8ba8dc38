-- features.category
-- One row per customer with a line by $as_of: which categories they buy in 365 days, and which one they took
-- up last. A product that no source describes counts in the category '(unknown)', so that shares of revenue add
-- up to one; nobody takes that one up.
-- key: customer_id
-- store: replace
-- inputs: money.orders, money.order_lines, core.products
with bought as (
    select
        o.customer_id,
        coalesce(p.category, '(unknown)') as category,
        min(o.business_date) as first_date,
        count(*) filter (where o.business_date >= $from_365) as lines,
        cast(sum(l.revenue) filter (where o.business_date >= $from_365) as decimal(18, 4)) as revenue
    from money.orders as o
    inner join money.order_lines as l on l.order_id = o.order_id
    left join core.products as p on p.product_id = l.product_id
    where o.business_date <= $as_of and o.status = 'completed' and o.customer_id is not null
    group by o.customer_id, coalesce(p.category, '(unknown)')
),

ranked as (
    select
        customer_id,
        sum(revenue) as customer_revenue,
        count(*) filter (where lines > 0) as categories,
        min(struct_pack(no_revenue := revenue is null, less := -revenue, category := category)) filter (
            where lines > 0
        ) as preferred,
        min(struct_pack(days := date_diff('day', first_date, $as_of), category := category)) filter (
            where category <> '(unknown)'
        ) as adopted,
        max(first_date) filter (where category <> '(unknown)') as adopted_on
    from bought
    group by customer_id
)

select
    customer_id,
    preferred.category as preferred_category,
    cast(-preferred.less as double) / nullif(cast(customer_revenue as double), 0) as preferred_category_share_365d,
    categories as categories_365d,
    adopted.category as last_new_category,
    adopted_on as last_new_category_date
from ranked
