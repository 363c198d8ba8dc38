-- step: segments.account_profile_day
-- One row per day, segmentation and segment of accounts: how large it is and what its accounts brought by then.
-- A segment without accounts has no row here; the marts add it with zero. The margin of a segment is known when it
-- is known of each of its accounts. Shares are of all accounts: where segments overlap, or leave accounts out, they
-- need not add up to 1.
-- key: as_of_date, segmentation_id, segment_id
-- store: partition as_of_date
with member as (
    select
        a.segmentation_id,
        a.segment_id,
        f.members,
        f.active_members_90d,
        f.revenue_30d,
        f.revenue_365d,
        f.margin_365d,
        f.orders_365d
    from segments.assignment as a
    inner join features.account as f on f.account_id = a.entity_id and f.as_of_date = a.as_of_date
    where a.as_of_date = $as_of and a.entity_kind = 'account'
),

segment as (
    select
        segmentation_id,
        segment_id,
        count(*) as accounts,
        cast(sum(members) as bigint) as members,
        cast(count_if(active_members_90d > 0) as bigint) as active_accounts_90d,
        cast(sum(revenue_30d) as decimal(18, 4)) as revenue_30d,
        cast(sum(revenue_365d) as decimal(18, 4)) as revenue_365d,
        case
            when count(margin_365d) = count_if(members > 0)
                then cast(coalesce(sum(margin_365d), 0) as decimal(18, 4))
        end as margin_365d,
        cast(sum(orders_365d) as bigint) as orders_365d
    from member
    group by segmentation_id, segment_id
),

everyone as (
    select count(*) as accounts, sum(revenue_365d) as revenue_365d from features.account where as_of_date = $as_of
)

select
    cast($as_of as date) as as_of_date,
    s.segmentation_id,
    s.segment_id,
    s.accounts,
    cast(s.accounts as double) / e.accounts as share,
    s.members,
    s.active_accounts_90d,
    s.revenue_30d,
    s.revenue_365d,
    cast(s.revenue_365d as double) / nullif(cast(e.revenue_365d as double), 0) as revenue_share,
    s.margin_365d,
    s.orders_365d
from segment as s
cross join everyone as e
