-- fragment: features.customer_state
-- One row per customer and category with a line by $as_of: since when they buy it, and what of it in 365 days.
-- A product that no source describes counts in the category '(unknown)', so that shares of revenue add up to
-- one.
-- key: customer_id, category
select
    l.customer_id,
    coalesce(l.category, '(unknown)') as category,
    min(l.business_date) as first_date,
    count(*) filter (where l.business_date >= $from_365) as lines,
    cast(sum(l.revenue) filter (where l.business_date >= $from_365) as decimal(18, 4)) as revenue
from facts.order_lines as l
where l.happened
group by l.customer_id, coalesce(l.category, '(unknown)')
