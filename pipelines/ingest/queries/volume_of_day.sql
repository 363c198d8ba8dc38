-- query
-- One row per day that a batch brings or should bring, with its rows and the median of the same weekdays before.
-- Days of fewer than `$minimum` such weekdays are left out: they are not judged.
-- key: business_date
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with delivered as (
    select business_date, delivery, sum(rows) as rows
    from ingest.volume_day
    join "$delivered_file" as file using (file_id)
    where table_name = $table and not list_contains(cast($closed as date[]), business_date)
    group by all
),

day as (
    select business_date, cast(max(rows) as bigint) as rows, bool_or(delivery = $seq) as mine
    from delivered
    group by all
),

span as (
    select
        least(
            min(business_date) filter (delivery = $seq),
            max(business_date) filter (delivery <> $seq) + 1
        ) as first_date,
        -- LEAST passes over a NULL, and a batch without a day has no last one.
        case
            when bool_or(delivery = $seq)
                then least(max(business_date) filter (delivery = $seq), $through)
        end as last_date
    from delivered
),

wanted as (
    select cast(unnest(generate_series(first_date, last_date, interval 1 day)) as date) as business_date
    from span
),

compared as (
    select w.business_date, before.rows
    from wanted as w
    join day as before
        on before.business_date < w.business_date
        and date_diff('day', before.business_date, w.business_date) % 7 = 0
        and before.business_date >= w.business_date - cast(7 * $weekdays as integer)
)

select
    w.business_date,
    coalesce(any_value(d.rows), 0) as rows,
    median(c.rows) as expected,
    count(c.rows) as weekdays
from wanted as w
left join day as d on d.business_date = w.business_date
left join compared as c on c.business_date = w.business_date
where
    not list_contains(cast($closed as date[]), w.business_date)
    -- Of the days in between, those that nothing ever brought.
    and coalesce(d.mine, true)
group by w.business_date
having count(c.rows) >= $minimum
order by w.business_date
