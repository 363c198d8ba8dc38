-- fragment: features.customer_state
-- One row per customer with a line by $as_of: which categories they buy in 365 days, and which one they took
-- up last. Nobody takes up what no source describes.
-- key: customer_id
with ranked as (
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
    from category_bought
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
