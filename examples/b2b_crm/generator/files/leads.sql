select
    lead_id as id, account_id as company, head_id as group_head, created_on as created, source, status,
    converted_on as converted
from leads
left join groups using (account_id)
order by id
