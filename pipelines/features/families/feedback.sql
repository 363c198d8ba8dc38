-- fragment: features.customer_state
-- One row per customer who gave feedback by $as_of: the latest scores, and what is open or went wrong. A score that
-- is older than it may be is unknown; $nps_expires_days and $csat_expires_days are NULL where none is ever too old.
-- key: customer_id
with given as (
    select
        f.customer_id,
        f.kind,
        f.received_on,
        f.score,
        coalesce(f.complaint, false) as complaint,
        f.closed_on is null as is_open,
        date_diff('day', f.received_on, cast($as_of as date)) as age_days,
        row_number() over (
            partition by f.customer_id, f.kind, f.score is null
            order by f.received_on desc, f.feedback_id desc
        ) as place
    from facts.feedback as f
),

counted as (
    select
        customer_id,
        max(score) filter (
            where kind = 'nps' and place = 1 and coalesce(age_days <= $nps_expires_days, true)
        ) as nps_latest,
        max(score) filter (
            where kind = 'csat' and place = 1 and coalesce(age_days <= $csat_expires_days, true)
        ) as csat_latest,
        count(*) filter (where kind = 'ticket' and received_on >= $from_90) as tickets_90d,
        count(*) filter (where complaint and received_on >= $from_90) as complaints_90d,
        count(*) filter (where kind = 'ticket' and is_open) as open_tickets,
        max(received_on) filter (where complaint) as last_complaint_date
    from given
    group by customer_id
)

select
    customer_id,
    nps_latest,
    case
        when nps_latest >= 9 then 'promoter'
        when nps_latest >= 7 then 'passive'
        when nps_latest is not null then 'detractor'
    end as nps_group,
    csat_latest,
    tickets_90d,
    complaints_90d,
    open_tickets,
    last_complaint_date
from counted
