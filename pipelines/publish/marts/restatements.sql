-- step: marts.restatements
-- One row per business day whose figures changed since the last published day: late, corrected or withdrawn orders.
-- Days that the publication of that day did not cover yet are new, not restated. A day published again is compared
-- with the same earlier day, and says the same again.
-- key: business_date
-- store: replace
with published as (select max(as_of_date) as as_of_date from publish.revenue_day where as_of_date < $as_of),

before as (select * from publish.revenue_day where as_of_date = (select as_of_date from published)),

after as (select * from marts.revenue_day where business_date <= (select as_of_date from published))

select
    coalesce(a.business_date, b.business_date) as business_date,
    coalesce(b.orders, 0) as orders_before,
    coalesce(a.orders, 0) as orders_after,
    coalesce(b.customers, 0) as customers_before,
    coalesce(a.customers, 0) as customers_after,
    cast(coalesce(b.revenue, 0) as decimal(18, 4)) as revenue_before,
    cast(coalesce(a.revenue, 0) as decimal(18, 4)) as revenue_after,
    cast(coalesce(a.revenue, 0) - coalesce(b.revenue, 0) as decimal(18, 4)) as revenue_change
from after as a
full join before as b on b.business_date = a.business_date
where
    a.orders is distinct from b.orders
    or a.customers is distinct from b.customers
    or a.revenue is distinct from b.revenue
