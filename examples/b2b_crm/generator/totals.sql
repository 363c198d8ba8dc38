-- What a correct reading of the files comes to: rows as written, broken ones, and what the orders are worth.
with good_order as (
    select *, case when changed_on <= getvariable('through') then status else 'completed' end as final
    from orders
    where broken = 0
),

good_line as (select * from order_lines where not broken)

select
    (select count(*) from accounts) as accounts,
    (select 1 + getvariable('accounts') // 300) as accounts_broken,
    (select count(*) from contacts) as contacts,
    (select count(*) from leads) as leads,
    (select count(distinct opportunity_id) from opportunities where not broken or value is null) as opportunities,
    (select count(*) from audience where contacted_on <= getvariable('through')) as campaign_contacts,
    (select count(*) from audience where contacted_on <= getvariable('through') and arm = 'control')
        as campaign_contacts_control,
    (select count(*) from orders where campaign_id is not null) as campaign_responses,
    (select count(*) from interactions) as interactions,
    (select count(*) from survey_answers) as survey_answers,
    (select count(distinct feedback_id) from feedback) as feedback,
    (select count(*) from consents) as consents,
    (select count(*) from spend) as spend,
    (select cast(sum(cost) as varchar) from spend) as spend_cost,
    (select count(*) from good_order) as orders,
    (select count(*) from orders where broken > 0) as orders_broken,
    (select count(*) from orders where changed_on <= getvariable('through')) as orders_sent_again,
    (select count(*) from good_order where final = 'completed') as orders_completed,
    (select count(*) from good_order where account_id is null) as orders_guest,
    (select count(*) from orders where delivered_on > day) as orders_late,
    (select count(*) from good_line) as order_lines,
    (select count(*) from order_lines where broken) as order_lines_broken,
    (
        select cast(cast(sum(net_amount) as decimal(18, 2)) as varchar)
        from good_line inner join good_order using (order_id) where final = 'completed'
    ) as revenue_completed,
    (
        select cast(cast(sum(net_amount) as decimal(18, 2)) as varchar)
        from good_line inner join good_order using (order_id)
        where final = 'completed' and account_id is not null
    ) as revenue_of_customers
