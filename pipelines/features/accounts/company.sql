-- fragment: features.account
-- One row per account known by $as_of: what it is. A rating of a later day is not known yet.
-- key: account_id
with subsidiary as (
    select parent_account_id, count(*) as subsidiaries
    from known_account
    where parent_account_id is not null and parent_account_id <> account_id
    group by parent_account_id
)

select
    k.account_id,
    k.created_on as account_since_date,
    k.industry,
    k.annual_revenue,
    k.employees,
    k.country,
    k.region,
    case when k.credit_rating_date is null or k.credit_rating_date <= $as_of then k.credit_rating end as credit_rating,
    case when k.credit_rating_date <= $as_of then k.credit_rating_date end as credit_rating_date,
    case
        when k.credit_rating_date <= $as_of then date_diff('day', k.credit_rating_date, cast($as_of as date))
    end as credit_rating_age_days,
    k.parent_account_id,
    s.subsidiaries
from known_account as k
left join subsidiary as s on s.parent_account_id = k.account_id
