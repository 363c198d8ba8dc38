-- roi.campaign_left_out
-- One row per campaign that has no ROI, and why.
-- key: campaign_id
-- store: replace
-- inputs: core.campaigns, segments.snapshot_day, roi.contact
select
    g.campaign_id,
    coalesce(g.campaign_name, g.campaign_id) as campaign_name,
    g.start_date,
    case
        when g.start_date > $as_of then 'starts later'
        when s.as_of_date is null then 'starts before the data'
        else 'contacts no customer'
    end as reason
from core.campaigns as g
left join segments.snapshot_day as s on s.as_of_date = cast(g.start_date - interval 1 day as date)
where
    g.start_date > $as_of
    or s.as_of_date is null
    or g.campaign_id not in (select campaign_id from roi.contact)
