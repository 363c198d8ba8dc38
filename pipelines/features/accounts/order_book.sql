-- fragment: features.account
-- One row per account with an order to come: deals won in 365 days and after its last purchase.
-- Values in another currency are left out. Orders themselves are in core only when they are done.
-- key: account_id
with bought as (
    select account_id, max(business_date) as last_purchase_date
    from facts.orders as f
    where happened
    group by account_id
)

select
    o.account_id,
    cast(coalesce(sum(o.value), 0) as decimal(18, 4)) as order_book_value
from facts.opportunities as o
left join bought as b on b.account_id = o.account_id
where
    o.outcome = 'won'
    and o.ended_on >= $from_365
    and (b.last_purchase_date is null or o.ended_on > b.last_purchase_date)
    and upper(coalesce(nullif(o.currency, ''), $currency)) = $currency
group by o.account_id
