-- query
-- One row per campaign, newest first: the sum of its segments, and which of those with enough contacts answered best.
-- key: campaign_id
-- dialect: duckdb, marts are published as a DuckDB file
with campaigns as (
    select
        campaign_id,
        any_value(campaign_name) as campaign_name,
        any_value(campaign_type) as campaign_type,
        any_value(start_date) as start_date,
        any_value(end_date) as end_date,
        any_value(status) as status,
        any_value(previous_campaign_id) as previous_campaign_id,
        sum(contacted) as contacted,
        sum(responders) as responders,
        sum(attributed_revenue) as attributed_revenue,
        sum(margin) as margin,
        sum(cost) as cost,
        sum(profit) as profit,
        (sum(margin) - sum(cost))::double / nullif(sum(cost)::double, 0) as roi,
        arg_max(segment_name, roi) filter (where contacted >= $enough) as best_segment,
        max(roi) filter (where contacted >= $enough) as best_roi
    from marts.roi_campaign
    where segmentation_id = $id
    group by campaign_id
)

select c.*, c.roi - p.roi as roi_change
from campaigns as c
left join campaigns as p on p.campaign_id = c.previous_campaign_id
order by c.start_date desc, c.campaign_id
