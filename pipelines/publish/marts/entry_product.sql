-- step: marts.entry_product
-- One row per category and product that some customer bought first: how many customers, their mean revenue in 365
-- days, and how many of them are in the top tenth of customers by that revenue.
-- key: kind, name
-- store: replace
select
    as_of_date,
    kind,
    name,
    customers,
    revenue_365d_mean,
    top_tenth_customers,
    top_tenth_share
from features.entry_product
