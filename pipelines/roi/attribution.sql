-- step: roi.attribution
-- One row per campaign, contacted customer and day of a response: what the customer bought that day.
-- A day on which a customer responded to several campaigns is divided equally among them, so that no
-- amount counts twice. Responses of customers the campaign did not contact bring no row.
-- key: campaign_id, customer_id, business_date
-- store: replace
with response as (
    select r.campaign_id, r.customer_id, r.responded_on as business_date
    from facts.campaign_responses as r
    semi join roi.contact as c on c.campaign_id = r.campaign_id and c.customer_id = r.customer_id
    group by r.campaign_id, r.customer_id, r.responded_on
),

divided as (
    select *, count(*) over (partition by customer_id, business_date) as campaigns_that_day
    from response
)

select
    d.campaign_id,
    d.customer_id,
    d.business_date,
    d.campaigns_that_day,
    cast(cast(p.orders as double) / d.campaigns_that_day as decimal(18, 8)) as orders,
    cast(cast(p.revenue as double) / d.campaigns_that_day as decimal(18, 4)) as revenue,
    cast(
        cast(
            cast(p.revenue - p.revenue_without_cost - p.cost as double)
            + case
                when p.revenue_without_cost = 0 then 0
                else cast($margin_rate as double) * cast(p.revenue_without_cost as double)
            end as double
        )
        / d.campaigns_that_day as decimal(18, 4)
    ) as margin,
    cast(cast(p.coupon_discount as double) / d.campaigns_that_day as decimal(18, 4)) as coupon_cost
from divided as d
inner join features.customer_day as p on p.customer_id = d.customer_id and p.business_date = d.business_date
