-- step: marts.account_segment_current
-- One row per segment of accounts on the day of the run, empty ones included, beside the previous recorded day.
-- Where segments overlap (exclusive is false), sizes and shares need not add up to all accounts.
-- key: segmentation_id, segment_id
-- store: replace
with now as (select * from segments.account_profile_day where as_of_date = $as_of),

moved as (
    select
        segmentation_id,
        segment_id,
        cast(
            count_if(entered_date <= $previous_date and (left_date is null or left_date > $previous_date)) as bigint
        ) as accounts_before,
        cast(count_if(entered_date = $as_of) as bigint) as entered,
        cast(count_if(left_date = $as_of) as bigint) as departed
    from segments.membership
    where entity_kind = 'account'
    group by segmentation_id, segment_id
)

select
    l.segmentation_id,
    l.segmentation_name,
    l.segment_id,
    l.segment_name,
    l.description,
    l.position,
    l.exclusive,
    coalesce(n.accounts, 0) as accounts,
    coalesce(n.share, 0) as share,
    coalesce(n.members, 0) as members,
    coalesce(n.active_accounts_90d, 0) as active_accounts_90d,
    coalesce(n.revenue_365d, 0) as revenue_365d,
    coalesce(n.revenue_share, 0) as revenue_share,
    n.margin_365d,
    coalesce(n.orders_365d, 0) as orders_365d,
    case when $previous_date is not null then coalesce(m.accounts_before, 0) end as accounts_before,
    case
        when $previous_date is not null then coalesce(n.accounts, 0) - coalesce(m.accounts_before, 0)
    end as change,
    case when $previous_date is not null then coalesce(m.entered, 0) end as entered,
    case when $previous_date is not null then coalesce(m.departed, 0) end as departed,
    cast($as_of as date) as as_of_date,
    cast($previous_date as date) as previous_date,
    e.effective_at
from segments.label as l
left join now as n on n.segmentation_id = l.segmentation_id and n.segment_id = l.segment_id
left join moved as m on m.segmentation_id = l.segmentation_id and m.segment_id = l.segment_id
left join publish.part as e on e.kind = 'segmentation' and e.part = l.segmentation_id
where l.entity_kind = 'account'
