-- step: roi.segment_month
-- One row per month, segmentation and segment, by membership as of the day before the month.
-- `revenue` is all the members bought; margin, cost and ROI stand on what is attributed to campaigns.
-- Without any campaign contact there is nothing to attribute, and no row.
-- Customers who first appear within the month were in no segment before it and are left out.
-- key: month, segmentation_id, segment_id
-- store: replace
with period as (
    select as_of_date as membership_date, basis, cast(as_of_date + interval 1 day as date) as month
    from segments.snapshot_day
    where
        extract(day from as_of_date + interval 1 day) = 1
        and as_of_date < $as_of
        and exists (select 1 from roi.contact)
),

bought as (
    select customer_id, cast(date_trunc('month', business_date) as date) as month, sum(revenue) as revenue
    from features.customer_day
    where business_date <= $as_of
    group by customer_id, cast(date_trunc('month', business_date) as date)
),

attributed as (
    select
        customer_id,
        cast(date_trunc('month', business_date) as date) as month,
        sum(revenue) as revenue,
        case when count(margin) = count(*) then sum(margin) end as margin,
        sum(coupon_cost) as coupon_cost
    from roi.attribution
    group by customer_id, cast(date_trunc('month', business_date) as date)
),

contacted as (
    select
        customer_id,
        cast(date_trunc('month', contacted_on) as date) as month,
        sum(touches) as contacts,
        sum(cost) as cost
    from roi.touch
    group by customer_id, cast(date_trunc('month', contacted_on) as date)
),

figure as (
    select
        p.month,
        last_day(p.month) <= $as_of as complete,
        a.segmentation_id,
        a.segment_id,
        p.membership_date,
        p.basis as membership_basis,
        count(*) as customers,
        cast(coalesce(sum(b.revenue), 0) as decimal(18, 4)) as revenue,
        cast(coalesce(sum(t.revenue), 0) as decimal(18, 4)) as attributed_revenue,
        case
            when count(t.revenue) = count(t.margin) then cast(coalesce(sum(t.margin), 0) as decimal(18, 4))
        end as margin,
        cast(coalesce(sum(c.contacts), 0) as bigint) as contacts,
        cast(coalesce(sum(c.cost), 0) as decimal(18, 4)) as contact_cost,
        cast(coalesce(sum(t.coupon_cost), 0) as decimal(18, 4)) as coupon_cost
    from period as p
    inner join segments.assignment as a on a.as_of_date = p.membership_date and a.entity_kind = 'customer'
    left join bought as b on b.customer_id = a.entity_id and b.month = p.month
    left join attributed as t on t.customer_id = a.entity_id and t.month = p.month
    left join contacted as c on c.customer_id = a.entity_id and c.month = p.month
    group by p.month, a.segmentation_id, a.segment_id, p.membership_date, p.basis
),

returned as (
    select
        *,
        cast(contact_cost + coupon_cost as decimal(18, 4)) as cost,
        cast(margin - contact_cost - coupon_cost as decimal(18, 4)) as profit,
        cast(margin - contact_cost - coupon_cost as double)
        / nullif(cast(contact_cost + coupon_cost as double), 0) as roi
    from figure
)

select
    *,
    lag(roi) over before as roi_previous,
    roi - lag(roi) over before as roi_change,
    'attributed, not incremental' as label
from returned
window before as (partition by segmentation_id, segment_id order by month)
