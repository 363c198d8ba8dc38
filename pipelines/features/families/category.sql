-- features.category
-- One row per customer with a purchase in 365 days: the category with the most revenue, and how many there are.
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
        row_number() over (partition by customer_id order by revenue desc, category) as place,
        count(*) over (partition by customer_id) as categories
    from bought
)

select
    customer_id,
    category as preferred_category,
    cast(revenue as decimal(18, 4)) as _preferred_category_revenue,
    categories as categories_365d
from placed
where place = 1
