-- features.category
-- One row per customer with a line in 365 days: the category with the most revenue, and how many there are. The
-- share is of the revenue in lines, as the shares of configured categories are. The least of a row (revenue
-- downwards, then the name) finds the first without sorting everyone's categories.
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

ranked as (
    select
        customer_id,
        sum(revenue) as customer_revenue,
        min(struct_pack(no_revenue := revenue is null, less := -revenue, category := category)) as preferred,
        count(*) as categories
    from bought
    group by customer_id
)

select
    customer_id,
    preferred.category as preferred_category,
    cast(-preferred.less as double) / nullif(cast(customer_revenue as double), 0) as preferred_category_share_365d,
    categories as categories_365d
from ranked
