-- The CRM's full export of persons. Name and e-mail are in it; Lohko maps neither.
select
    contact_id as id, account_id as company, head_id as group_head, first_name, last_name, email, role,
    may_email, may_call, may_post, created_on as created
from contacts
inner join groups using (account_id)
order by id
