-- step: marts.account_segment_day
-- One row per recorded day, segmentation and segment of accounts: sizes and revenue over time, zero where no
-- account was in it. effective_at is what it was on that day.
-- key: as_of_date, segmentation_id, segment_id
-- store: replace
with profile as (select * from segments.account_profile_day where as_of_date <= $as_of),

wanted as (
    select d.as_of_date, d.segmentation_id, l.segment_id
    from (select distinct as_of_date, segmentation_id from profile) as d
    inner join segments.label as l on l.segmentation_id = d.segmentation_id and l.entity_kind = 'account'
    union
    select as_of_date, segmentation_id, segment_id from profile
)

select
    w.as_of_date,
    w.segmentation_id,
    w.segment_id,
    coalesce(l.segment_name, w.segment_id) as segment_name,
    coalesce(l.position, 999) as position,
    coalesce(p.accounts, 0) as accounts,
    coalesce(p.share, 0) as share,
    coalesce(p.members, 0) as members,
    coalesce(p.active_accounts_90d, 0) as active_accounts_90d,
    coalesce(p.revenue_30d, 0) as revenue_30d,
    coalesce(p.revenue_365d, 0) as revenue_365d,
    coalesce(p.revenue_share, 0) as revenue_share,
    p.margin_365d,
    coalesce(p.orders_365d, 0) as orders_365d,
    r.effective_at
from wanted as w
left join profile as p
    on p.as_of_date = w.as_of_date and p.segmentation_id = w.segmentation_id and p.segment_id = w.segment_id
left join segments.label as l
    on l.segmentation_id = w.segmentation_id and l.segment_id = w.segment_id and l.entity_kind = 'account'
left join publish.effective_day as r
    on r.as_of_date = w.as_of_date and r.segmentation_id = w.segmentation_id
