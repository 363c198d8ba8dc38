-- query
-- One row: how many are in several arms of one campaign. A blank arm is $blank.
select count(*) as owners
from (
    select campaign_id, customer_id, contact_id, account_id
    from core.campaign_contacts
    group by campaign_id, customer_id, contact_id, account_id
    having count(distinct coalesce(arm, $blank)) > 1
) as torn
