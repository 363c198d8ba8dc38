-- features.adoption
-- One row per customer who ever bought in a known category: the one whose first purchase is the latest.
-- key: customer_id
-- store: replace
-- inputs: features.customer_category_day
with adopted as (
    select
        c.customer_id,
        c.category,
        min(c.business_date) as first_date
    from features.customer_category_day as c
    semi join features.scope as s on s.customer_id = c.customer_id
    where c.business_date <= $as_of and c.category <> '(unknown)'
    group by c.customer_id, c.category
),

placed as (
    select
        customer_id,
        category,
        first_date,
        row_number() over (partition by customer_id order by first_date desc, category) as place
    from adopted
)

select
    customer_id,
    category as last_new_category,
    first_date as last_new_category_date
from placed
where place = 1
