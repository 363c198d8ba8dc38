-- One row per company known by the last day: what it is, how much it buys, and when it stops.
-- `weight` is Pareto distributed (a fifth of the companies brings about four fifths of the revenue).
with born as (
    select
        i as number,
        printf('A%06d', i) as account_id,
        date '2021-01-01' + cast(floor(pow(chance('created', i), 0.9) * 2190) as integer) as created_on,
        least(pow(1 - chance('weight', i), -1 / 1.16), 300) as weight
    from range(1, getvariable('accounts') + 1) as t(i)
),

sized as (
    select
        *,
        cast(ceil(4 * pow(weight, 0.85) * exp(0.5 * normal('employees', account_id))) as bigint) as employees,
        created_on + days('first order', account_id, 75) as buys_from,
        chance('prospect', account_id) < 0.12 as prospect,
        cast(1 + floor(-ln(1 - chance('churn', account_id)) * 950) as integer) as buys_for_days,
        created_on + days('first rating', account_id, 60) as first_rated_on,
        -- Half of the ratings are renewed every one to two years; the others grow stale.
        case when chance('renewed', account_id) < 0.5 then 365 + days('renewal', account_id, 365) end
            as renewal_days
    from born
    where created_on <= getvariable('through')
),

rated as (
    select
        *,
        cast(coalesce(greatest(getvariable('through') - first_rated_on, 0) // renewal_days, 0) as integer)
            as renewals
    from sized
)

select
    account_id,
    number,
    weight,
    created_on,
    concat_ws(' ', one_of('name', account_id, ['Nordic', 'Baltic', 'Polar', 'Harbour', 'Lake', 'Forest']),
        one_of('kind', account_id, ['Steel', 'Works', 'Boats', 'Timber', 'Motors', 'Service']), number) as name,
    case when chance('industry known', account_id) > 0.04 then one_of('industry', account_id,
        ['Manufacturing', 'Manufacturing', 'Manufacturing', 'Construction', 'Construction', 'Automotive',
        'Automotive', 'Energy', 'Marine', 'Public sector', 'Wholesale', 'Services']) end as industry,
    case when chance('employees known', account_id) > 0.09 then employees end as employees,
    case when chance('revenue known', account_id) > 0.18
        then cast(round(employees * 165 * exp(0.4 * normal('revenue', account_id))) * 1000 as bigint) end
        as annual_revenue,
    one_of('country', account_id, ['FI', 'FI', 'FI', 'FI', 'SE', 'SE', 'EE', 'DE', 'NO']) as country,
    one_of('region', account_id, ['North', 'South', 'South', 'East', 'West']) as region,
    case when chance('rating known', account_id) > 0.22 and first_rated_on <= getvariable('through')
        then one_of('rating', account_id || renewals, ['AAA', 'AA', 'AA', 'A', 'A', 'A', 'B', 'B', 'C']) end
        as rating,
    first_rated_on + renewals * coalesce(renewal_days, 0) as rated_on,
    case when number > 20 and chance('child', account_id) < 0.08
        then printf('A%06d', 1 + cast(floor(chance('parent', account_id) * number / 20) as bigint)) end
        as parent_account_id,
    buys_from,
    case when prospect then buys_from else buys_from + buys_for_days end as buys_until,
    least(0.03 * pow(weight, 0.75), 0.8) as orders_a_day,
    case when weight > 20 then 0.15 when weight > 6 then 0.1 when weight > 2 then 0.05 else 0 end as discount
from rated
