-- step: money.term
-- One row per currency, country and business day that an order has: the exchange rate and the VAT rate of it.
-- The rate is the latest at or before the day, at most $max_age_days old; NULL where there is none. Currency
-- and country are as orders write them, empty where they write none.
-- key: currency, country, business_date
-- store: replace
with day as (
    select distinct coalesce(currency, '') as currency, coalesce(country, '') as country, business_date
    from core.orders
),

rate as (
    select
        upper(currency) as currency,
        day as from_date,
        lead(day) over (partition by upper(currency) order by day, currency) as next_date,
        rate
    from core.rates
),

vat as (
    select
        upper(country) as country,
        valid_from as from_date,
        lead(valid_from) over (partition by upper(country) order by valid_from, country) as next_date,
        rate
    from core.vat_rates
)

select
    d.currency,
    d.country,
    d.business_date,
    case
        when upper(d.currency) in ('', $currency) then cast(1 as decimal(18, 8))
        else r.rate
    end as currency_rate,
    v.rate as vat_rate
from day as d
left join rate as r
    on r.currency = upper(d.currency)
    and d.business_date >= r.from_date
    and (r.next_date is null or d.business_date < r.next_date)
    and date_diff('day', r.from_date, d.business_date) <= $max_age_days
left join vat as v
    on v.country = upper(d.country)
    and d.business_date >= v.from_date
    and (v.next_date is null or d.business_date < v.next_date)
