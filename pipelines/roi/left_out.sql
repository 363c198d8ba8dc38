-- step: roi.campaign_left_out
-- One row per campaign that has no ROI, and why.
-- key: campaign_id
-- store: replace
select
    g.campaign_id,
    coalesce(g.campaign_name, g.campaign_id) as campaign_name,
    g.start_date,
    case
        when g.start_date > $as_of then 'starts later'
        when s.as_of_date is null and g.start_date <= f.first_day then 'starts before the data'
        when s.as_of_date is null then 'starts before the months of ROI'
        when c.campaign_id is null and t.campaign_id is not null then 'contacts persons or companies, no customer'
        when c.campaign_id is null then 'contacts no customer'
        else 'contacts only customers unknown the day before'
    end as reason
from core.campaigns as g
cross join (select min(business_date) as first_day from core.orders) as f
left join segments.snapshot_day as s on s.as_of_date = cast(g.start_date - interval 1 day as date)
left join (select distinct campaign_id from roi.contact) as c on c.campaign_id = g.campaign_id
left join (select distinct campaign_id from core.campaign_contacts where customer_id is null) as t
    on t.campaign_id = g.campaign_id
anti join roi.segment_campaign as r on r.campaign_id = g.campaign_id
