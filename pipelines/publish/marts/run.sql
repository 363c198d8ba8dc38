-- step: marts.run
-- One row: the run these marts are from.
-- key: run_id
-- store: replace
select
    $project as project_name,
    $currency as currency,
    cast($as_of as date) as as_of_date,
    cast($previous_date as date) as previous_date,
    $run_id as run_id,
    (select max(revision) from segments.recorded_day where as_of_date = $as_of) as revision,
    cast($generated_at as timestamp) as generated_at,
    (select min(watermark_at) from ingest.freshness where warn_after_days is not null) as effective_at,
    (select cast(count_if(held) as bigint) from publish.part) as held_parts,
    (select min(held_since) from publish.part) as held_since,
    $code_version as code_version,
    count(*) as customers,
    cast(coalesce(sum(revenue_365d), 0) as decimal(18, 4)) as revenue_365d,
    cast(coalesce(sum(orders_365d), 0) as bigint) as orders_365d
from features.customer
where as_of_date = $as_of
