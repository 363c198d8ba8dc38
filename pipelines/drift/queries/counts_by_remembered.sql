-- query
-- One row per group that was remembered on the baseline day: the counts of a feature's bins then, and now.
-- key: segmentation_id, segment_id
-- dialect: duckdb, histogram with the bins of the row's own group
with bin as (
    select
        segmentation_id,
        segment_id,
        list(upper_bound order by upper_bound) filter (where upper_bound is not null) as v0,
        list(customers order by upper_bound) filter (where upper_bound is not null) as before,
        cast(sum(customers) as bigint) as n_before
    from drift.remembered
    where as_of_date = $baseline and feature = $feature
    group by segmentation_id, segment_id
),

member as (
    select
        customer_id,
        "$value" as v0,
        cast(null as varchar) as segmentation_id,
        cast(null as varchar) as segment_id
    from features.customer
    where as_of_date = $as_of
    union all
    select c.customer_id, "$value" as v0, a.segmentation_id, a.segment_id
    from features.customer as c
    join segments.assignment as a
        on a.as_of_date = c.as_of_date and a.entity_kind = 'customer' and a.entity_id = c.customer_id
    where c.as_of_date = $as_of
)

select
    b.segmentation_id,
    b.segment_id,
    any_value(b.before) as before,
    any_value(b.n_before) as n_before,
    "$counts",
    count(m.customer_id) as n_now
from bin as b
left join member as m
    on m.segmentation_id is not distinct from b.segmentation_id
    and m.segment_id is not distinct from b.segment_id
group by b.segmentation_id, b.segment_id
order by b.segmentation_id nulls first, b.segment_id nulls first
