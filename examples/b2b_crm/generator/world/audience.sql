-- Who a campaign chose: four in five are addressed within three days, one in five is held back (control).
select
    c.campaign_id,
    a.account_id,
    case when chance('arm', c.campaign_id || a.account_id) < 0.2 then 'control' else 'treatment' end as arm,
    c.start_date + days('contact', c.campaign_id || a.account_id, 3) as contacted_on,
    c.end_date,
    c.channel,
    c.contact_cost
from campaigns as c
inner join accounts as a on a.created_on <= c.start_date - 30
where chance('reach', c.campaign_id || a.account_id) < c.reach
