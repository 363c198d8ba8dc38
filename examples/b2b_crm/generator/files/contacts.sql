-- The CRM's full export of persons. Name and e-mail are in it; Lohko maps neither.
select
    contact_id as id, account_id as company, first_name, last_name, email, role,
    may_email, may_call, may_post, created_on as created
from contacts
order by id
