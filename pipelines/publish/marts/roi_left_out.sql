-- step: marts.roi_left_out
-- One row per campaign without ROI, and why.
-- key: campaign_id
-- store: replace
select * from roi.campaign_left_out
