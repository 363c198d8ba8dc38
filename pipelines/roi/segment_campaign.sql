-- step: roi.segment_campaign
-- One row per campaign, segmentation and segment, by membership as of the day before the campaign.
-- The previous figure is that of the campaign of the same type that started before it.
-- key: campaign_id, segmentation_id, segment_id
-- store: replace
with campaign as (
    select
        g.campaign_id,
        coalesce(g.campaign_name, g.campaign_id) as campaign_name,
        coalesce(g.campaign_type, '') as campaign_type,
        g.start_date,
        g.end_date,
        case when g.end_date <= $as_of then 'complete' else 'running' end as status,
        s.as_of_date as membership_date,
        s.basis as membership_basis
    from core.campaigns as g
    inner join segments.snapshot_day as s on s.as_of_date = cast(g.start_date - interval 1 day as date)
    where g.start_date <= $as_of
),

attributed as (
    select
        campaign_id,
        customer_id,
        sum(orders) as orders,
        sum(revenue) as revenue,
        case when count(margin) = count(*) then sum(margin) end as margin,
        sum(coupon_cost) as coupon_cost
    from roi.attribution
    group by campaign_id, customer_id
),

responder as (
    select campaign_id, customer_id
    from facts.campaign_responses
    group by campaign_id, customer_id
),

figure as (
    select
        g.campaign_id,
        g.campaign_name,
        g.campaign_type,
        g.start_date,
        g.end_date,
        g.status,
        a.segmentation_id,
        a.segment_id,
        g.membership_date,
        g.membership_basis,
        count(*) as contacted,
        count(r.customer_id) as responders,
        cast(coalesce(sum(t.orders), 0) as double) as attributed_orders,
        cast(coalesce(sum(t.revenue), 0) as decimal(18, 4)) as attributed_revenue,
        case
            when count(t.revenue) = count(t.margin) then cast(coalesce(sum(t.margin), 0) as decimal(18, 4))
        end as margin,
        cast(sum(c.cost) as decimal(18, 4)) as contact_cost,
        cast(coalesce(sum(t.coupon_cost), 0) as decimal(18, 4)) as coupon_cost
    from campaign as g
    inner join roi.contact as c on c.campaign_id = g.campaign_id
    inner join segments.assignment as a
        on a.as_of_date = g.membership_date and a.entity_kind = 'customer' and a.entity_id = c.customer_id
    left join responder as r on r.campaign_id = c.campaign_id and r.customer_id = c.customer_id
    left join attributed as t on t.campaign_id = c.campaign_id and t.customer_id = c.customer_id
    group by
        g.campaign_id, g.campaign_name, g.campaign_type, g.start_date, g.end_date, g.status,
        a.segmentation_id, a.segment_id, g.membership_date, g.membership_basis
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
    lag(campaign_id) over before as previous_campaign_id,
    lag(roi) over before as roi_previous,
    roi - lag(roi) over before as roi_change,
    'attributed, not incremental' as label
from returned
window before as (partition by segmentation_id, segment_id, campaign_type order by start_date, campaign_id)
