-- query
-- One row per segment and recent campaign, the oldest first; namesakes are told apart by their date.
-- key: campaign_id, position
-- dialect: duckdb, marts are published as a DuckDB file
select
    campaign_id,
    segment_name,
    position,
    status,
    roi,
    if(
        min(campaign_id) over namesakes <> max(campaign_id) over namesakes,
        campaign_name || ' ' || start_date,
        campaign_name
    ) as campaign_name
from marts.roi_campaign
where segmentation_id = $id and segment_id is not null
window namesakes as (partition by campaign_name)
qualify dense_rank() over (order by start_date desc, campaign_id) <= $campaigns
order by start_date, campaign_id desc, position
