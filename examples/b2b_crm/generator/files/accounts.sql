-- The CRM's full export: semicolons, days as in Finland, decimal commas, a country written in three ways, rows
-- without a number.
select
    account_id as "Account",
    name as "Name",
    industry as "Industry",
    employees as "Employees",
    annual_revenue as "Turnover",
    case
        when country = 'FI' and chance('spelling', account_id) < 0.04 then 'Finland'
        when chance('spelling', account_id) > 0.97 then lower(country)
        else country
    end as "Country",
    region as "Region",
    rating as "Rating",
    case when rating is not null then strftime(rated_on, '%d.%m.%Y') end as "Rated on",
    parent_account_id as "Parent",
    strftime(created_on, '%d.%m.%Y') as "Created",
    language as "Language",
    city as "City",
    postcode as "Postcode",
    replace(cast(latitude as varchar), '.', ',') as "Latitude",
    replace(cast(longitude as varchar), '.', ',') as "Longitude",
    services as "Services",
    head_id as "Group head"
from accounts
inner join sites using (account_id)
inner join groups using (account_id)
union all
select null, 'Test row ' || i, null, null, null, 'FI', null, null, null, null, '01.01.2024', null, null, null, null,
    null, null, null
from range(1, 2 + getvariable('accounts') // 300) as t(i)
order by "Account" nulls last, "Name"
