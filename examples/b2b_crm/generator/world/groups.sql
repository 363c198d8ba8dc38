-- One row per company and the head of its group: the company above which nothing stands. A parent that the CRM
-- did not know yet when the company entered it does not count, so that a head never changes.
with recursive step as (
    select child.account_id, parent.account_id as above
    from accounts as child
    inner join accounts as parent
        on parent.account_id = child.parent_account_id and parent.created_on <= child.created_on
),

climb as (
    select account_id, account_id as head_id, 0 as height from accounts
    union all
    select c.account_id, s.above, c.height + 1 from climb as c inner join step as s on s.account_id = c.head_id
)

select account_id, arg_max(head_id, height) as head_id from climb group by account_id
