-- query
-- One row per group (all customers, or a segment) and bin of a feature on a day, with the customers in it; the bin
-- without an upper bound holds those whose value is missing.
-- dialect: duckdb, histogram with the bins of the row's own group
with member as (
    select "$value" as v0, cast(null as varchar) as segmentation_id, cast(null as varchar) as segment_id
    from features.customer
    where as_of_date = $as_of
    union all
    select "$value" as v0, a.segmentation_id, a.segment_id
    from features.customer as c
    join segments.assignment as a
        on a.as_of_date = c.as_of_date and a.entity_kind = 'customer' and a.entity_id = c.customer_id
    where c.as_of_date = $as_of
),

edge as (
    select segmentation_id, segment_id, "$edges" from member group by segmentation_id, segment_id
),

bin as materialized (
    select segmentation_id, segment_id, "$bins" from edge
),

counted as (
    select
        m.segmentation_id,
        m.segment_id,
        any_value(b.v0) as uppers,
        "$counts",
        count(*) as customers,
        count(m.v0) as filled
    from member as m
    join bin as b
        on m.segmentation_id is not distinct from b.segmentation_id
        and m.segment_id is not distinct from b.segment_id
    group by m.segmentation_id, m.segment_id
)

select
    $as_of as as_of_date,
    segmentation_id,
    segment_id,
    $feature as feature,
    unnest(uppers) as upper_bound,
    cast(unnest(coalesce(v0, list_transform(uppers, lambda x: 0))) as bigint) as customers
from counted
union all
select $as_of, segmentation_id, segment_id, $feature, null, customers - filled from counted
