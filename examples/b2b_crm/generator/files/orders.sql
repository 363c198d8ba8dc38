-- The shop system's export: an order on the day it reaches us, and again when it is cancelled or returned.
with sent as (
    select *, delivered_on as sent_on, 'completed' as state from orders
    union all
    select *, changed_on, status from orders
    where changed_on is not null and changed_on <= getvariable('through')
)

select
    case when broken = 1 then null else order_id end as "Order",
    account_id as "Account",
    case when broken = 2 then strftime(ordered_at, '31.02.%Y %H:%M') else strftime(ordered_at, '%d.%m.%Y %H:%M') end
        as "Ordered",
    case when broken = 3 then 'shiped' when state = 'completed' then 'shipped' else state end as "State",
    channel as "Channel"
from sent
where sent_on between getvariable('first') and getvariable('last')
order by sent_on, order_id, state desc
