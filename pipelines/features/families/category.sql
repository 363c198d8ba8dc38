-- features.category
-- One row per customer with a line in 365 days: the category with the most revenue, and how many there are. The
-- share is of the revenue in lines, as the shares of configured categories are.
-- key: customer_id
-- store: replace
-- inputs: features.customer_category_day
with bought as (
    select
        c.customer_id,
        c.category,
        sum(c.revenue) as revenue
    from features.customer_category_day as c
    semi join features.scope as s on s.customer_id = c.customer_id
    where c.business_date between $from_365 and $as_of
    group by c.customer_id, c.category
),

placed as (
    select
        customer_id,
        category,
        revenue,
        sum(revenue) over (partition by customer_id) as customer_revenue,
        row_number() over (partition by customer_id order by revenue desc, category) as place,
        count(*) over (partition by customer_id) as categories
    from bought
)

select
    customer_id,
    category as preferred_category,
    cast(revenue as double) / nullif(cast(customer_revenue as double), 0) as preferred_category_share_365d,
    categories as categories_365d
from placed
where place = 1
