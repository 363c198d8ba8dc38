select lead_id as id, account_id as company, created_on as created, source, status, converted_on as converted
from leads
order by id
