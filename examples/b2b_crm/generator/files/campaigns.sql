select
    campaign_id,
    campaign_type || strftime(start_date, ' %Y-%m') as name,
    campaign_type as kind,
    start_date as first_day,
    end_date as last_day
from campaigns
order by campaign_id
