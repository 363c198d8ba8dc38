-- One campaign a month from March 2024 on, of three kinds in turn; it runs for three weeks from a Monday.
with planned as (
    select i, date '2024-03-01' + to_months(cast(i as integer)) as month
    from range(0, 120) as t(i)
),

dated as (
    select i, cast(month + to_days((8 - cast(isodow(month) as integer)) % 7) as date) as start_date from planned
)

select
    printf('C%03d', i + 1) as campaign_id,
    ['newsletter', 'catalogue', 'sales call'][1 + i % 3] as campaign_type,
    ['email', 'post', 'phone'][1 + i % 3] as channel,
    start_date,
    start_date + 20 as end_date,
    [0.6, 0.35, 0.12][1 + i % 3] as reach,
    [0.12, 2.4, 7.5][1 + i % 3] as contact_cost,
    [400, 1800, 600][1 + i % 3] as fixed_cost
from dated
where start_date <= getvariable('through')
