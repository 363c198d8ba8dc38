-- fragment: features.customer_state
-- One row per customer whom a campaign addressed or who responded to one, by $as_of; of accounts the same, by what
-- their customers and contacts got and did. A control group is not addressed.
-- key: customer_id
with contacted as (
    select c.customer_id, c.campaign_id, count(*) as touches
    from facts.campaign_contacts as c
    where c.happened and c.contacted_on >= $from_365
    group by c.customer_id, c.campaign_id
),

responded as (
    select
        r.customer_id,
        r.campaign_id,
        max(r.responded_on) as last_date
    from facts.campaign_responses as r
    group by r.customer_id, r.campaign_id
),

counted as (
    select
        c.customer_id,
        c.touches,
        1 as contacted,
        case when r.campaign_id is not null then 1 else 0 end as answered,
        0 as responded,
        cast(null as date) as last_date
    from contacted as c
    left join responded as r on r.customer_id = c.customer_id and r.campaign_id = c.campaign_id
    union all
    select
        customer_id,
        0 as touches,
        0 as contacted,
        0 as answered,
        case when last_date >= $from_365 then 1 else 0 end as responded,
        last_date
    from responded
)

select
    customer_id,
    cast(sum(touches) as bigint) as touches_365d,
    cast(sum(contacted) as bigint) as campaigns_contacted_365d,
    cast(sum(responded) as bigint) as campaigns_responded_365d,
    cast(sum(answered) as double) / nullif(sum(contacted), 0) as response_rate_365d,
    max(last_date) as last_response_date
from counted
group by customer_id
