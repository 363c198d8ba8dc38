-- query
-- One row per group (all customers, or a segment) and day: its size, and for each feature the counts of its bins.
-- Bins are cut on the baseline day and belong to the group (pipelines/drift/features.py).
-- dialect: duckdb, histogram with the bins of the row's own group
with customer as not materialized (
    select as_of_date, customer_id, "$values"
    from features.customer
    where as_of_date in ($baseline, $as_of)
),

member as not materialized (
    select * exclude (customer_id), null as segmentation_id, null as segment_id
    from customer
    union all by name
    select c.* exclude (customer_id), a.segmentation_id, a.segment_id
    from customer as c
    join segments.assignment as a
        on a.as_of_date = c.as_of_date and a.entity_kind = 'customer' and a.entity_id = c.customer_id
),

edge as (
    select segmentation_id, segment_id, "$edges"
    from member
    group by segmentation_id, segment_id
),

bin as materialized (
    select segmentation_id, segment_id, "$bins" from edge
)

select
    m.segmentation_id,
    m.segment_id,
    m.as_of_date = $as_of as is_current,
    count(*) as n,
    "$counts"
from member as m
join bin as b
    on m.segmentation_id is not distinct from b.segmentation_id
    and m.segment_id is not distinct from b.segment_id
group by m.segmentation_id, m.segment_id, is_current
order by m.segmentation_id nulls first, m.segment_id nulls first, is_current
