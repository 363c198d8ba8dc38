-- fragment: features.customer_state
-- One row per customer with an interaction by $as_of: when, how much, and through which channel. An e-mail that
-- was sent is none of the customer's doing: it counts in email_sent_90d alone.
-- key: customer_id
with done as (
    select
        i.customer_id,
        i.business_date,
        i.channel,
        i.product_id,
        lower(coalesce(i.interaction_type, '')) as kind,
        lower(coalesce(i.interaction_type, '')) not in ('sent', 'delivered', 'bounce', 'bounced') as active
    from facts.interactions as i
),

counted as (
    select
        customer_id,
        max(business_date) filter (where active) as last_interaction_date,
        count(*) filter (where active and business_date >= $from_30) as interactions_30d,
        count(*) filter (where active and business_date >= $from_90) as interactions_90d,
        count(*) filter (where active and business_date >= $from_365) as interactions_365d,
        count(*) filter (where active and business_date >= $from_90 and channel = 'web') as interactions_web_90d,
        count(*) filter (where active and business_date >= $from_90 and channel = 'app') as interactions_app_90d,
        count(*) filter (where active and business_date >= $from_90 and channel = 'email') as interactions_email_90d,
        count(distinct product_id) filter (
            where active and business_date >= $from_90 and kind in ('view', 'viewed')
        ) as products_viewed_90d,
        count(*) filter (where business_date >= $from_90 and channel = 'email' and kind = 'sent') as email_sent_90d,
        count(*) filter (
            where business_date >= $from_90 and channel = 'email' and kind in ('open', 'opened')
        ) as email_opens_90d,
        count(*) filter (
            where business_date >= $from_90 and channel = 'email' and kind in ('click', 'clicked')
        ) as email_clicks_90d
    from done
    group by customer_id
)

select
    customer_id,
    last_interaction_date,
    interactions_30d,
    interactions_90d,
    interactions_365d,
    interactions_web_90d,
    interactions_app_90d,
    interactions_email_90d,
    products_viewed_90d,
    email_sent_90d,
    email_opens_90d,
    email_clicks_90d,
    cast(email_opens_90d as double) / nullif(email_sent_90d, 0) as email_open_rate_90d
from counted
