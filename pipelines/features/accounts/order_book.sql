-- fragment: features.account
-- One row per account with an order to come: deals won in 365 days and after the last purchase of its members.
-- Values in another currency are left out. Orders themselves are in core only when they are done.
-- key: account_id
with bought as (
    select
        coalesce(c.account_id, f.customer_id) as account_id,
        max(f.last_purchase_date) as last_purchase_date
    from features.customer as f
    left join past.customers as c on c.customer_id = f.customer_id
    where f.as_of_date = $as_of
    group by coalesce(c.account_id, f.customer_id)
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
