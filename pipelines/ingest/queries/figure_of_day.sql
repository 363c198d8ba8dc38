-- query
-- One row per day, column and figure that a batch brings, with the median of the same weekdays before.
-- Days of fewer than `$minimum_rows` rows, and figures of fewer than `$minimum` such weekdays, are left out.
-- key: business_date, column_name, figure
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
with day as (
    select
        business_date,
        column_name,
        delivery,
        sum(rows) as rows,
        sum(nulls) / sum(rows) as null_share,
        sum(mean * (rows - nulls)) / nullif(sum(if(mean is null, 0, rows - nulls)), 0) as mean,
        sum(median * (rows - nulls)) / nullif(sum(if(mean is null, 0, rows - nulls)), 0) as median,
        sum(p90 * (rows - nulls)) / nullif(sum(if(mean is null, 0, rows - nulls)), 0) as p90
    from ingest.volume_column
    join "$delivered_file" as file using (file_id)
    where
        table_name = $table
        and not list_contains(cast($closed as date[]), business_date)
        and business_date <= $through
    group by business_date, column_name, delivery
    having sum(rows) >= $minimum_rows
    qualify
        row_number() over (partition by business_date, column_name order by sum(rows) desc, delivery desc) = 1
),

figure as (
    unpivot (
        select
            business_date,
            column_name,
            delivery,
            null_share as "share of missing values",
            mean,
            median,
            p90 as "90th percentile"
        from day
    )
    on "share of missing values", mean, median, "90th percentile"
    into name figure value value
)

select f.business_date, f.column_name, f.figure, f.value, median(before.value) as usual
from figure as f
join figure as before
    on before.column_name = f.column_name
    and before.figure = f.figure
    and before.business_date < f.business_date
    and date_diff('day', before.business_date, f.business_date) % 7 = 0
    and before.business_date >= f.business_date - cast(7 * $weekdays as integer)
where f.delivery = $seq
group by f.business_date, f.column_name, f.figure, f.value
having count(*) >= $minimum
order by f.business_date, f.column_name, f.figure
