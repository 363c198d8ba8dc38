-- step: marts.funnel
-- One row per kind of deal (lead or opportunity), stage, source, segment of its account and month: how many entered
-- the stage, left it and went on from it, how many days they had been in it, and how many were won and lost. Without a
-- stage it is of deals as a whole, from the days their source says; a month that is empty holds those without such a
-- day. Without a segmentation it is of all deals, also of those without an account; a segment is that of the account on
-- the day of the run. Stages are known from the recorded days alone: of a deal that was there before the first of them,
-- nobody knows when it entered the stage it was found at.
-- key: deal_kind, stage, source, segmentation_id, segment_id, month
-- store: replace
with person as (
    select
        contact_id,
        coalesce(min(case when primary_account then account_id end), min(account_id)) as account_id
    from core.contacts
    where account_id <> ''
    group by contact_id
),

said as (
    select
        'opportunity' as deal_kind,
        o.opportunity_id as deal_id,
        coalesce(o.account_id, l.account_id, c.account_id) as account_id,
        coalesce(o.source, l.source) as source,
        o.opened_on as began_on,
        case when o.outcome in ('won', 'lost') then coalesce(o.closed_on, o.opened_on) end as ended_on,
        o.outcome = 'won' as won,
        o.outcome = 'lost' as lost
    from core.opportunities as o
    left join core.leads as l on l.lead_id = o.lead_id
    left join person as c on c.contact_id = l.contact_id
    union all
    select
        'lead' as deal_kind,
        l.lead_id as deal_id,
        coalesce(l.account_id, c.account_id) as account_id,
        l.source,
        l.created_on as began_on,
        case
            when coalesce(l.status, 'converted') = 'converted'
                then coalesce(l.converted_on, case when l.status = 'converted' then l.created_on end)
        end as ended_on,
        coalesce(l.status = 'converted', l.converted_on is not null) as won,
        coalesce(l.status = 'disqualified', false) as lost
    from core.leads as l
    left join person as c on c.contact_id = l.contact_id
),

turned as (
    select
        deal_kind,
        deal_id,
        stage,
        as_of_date,
        is_first,
        lead(as_of_date) over (partition by deal_kind, deal_id order by as_of_date) as next_date,
        lead(stage) over (partition by deal_kind, deal_id order by as_of_date) as next_stage
    from segments.deal_stage
    where as_of_date <= $as_of
),

-- Of a lead that was disqualified only the record knows the day.
dropped as (
    select deal_id, max(as_of_date) as dropped_on
    from turned
    where deal_kind = 'lead' and stage = 'disqualified' and not is_first
    group by deal_id
),

deal as (
    select
        s.deal_kind,
        s.deal_id,
        s.account_id,
        s.source,
        s.began_on,
        case when s.ended_on <= $as_of then s.ended_on else d.dropped_on end as ended_on,
        -- What is decided for a day to come is open.
        s.won and (s.ended_on is null or s.ended_on <= $as_of) as won,
        s.lost and (s.ended_on is null or s.ended_on <= $as_of) as lost
    from said as s
    left join dropped as d on s.deal_kind = 'lead' and s.lost and d.deal_id = s.deal_id
    where coalesce(s.began_on, s.ended_on) is null or coalesce(s.began_on, s.ended_on) <= $as_of
),

began as (select min(as_of_date) as recorded_from from segments.deal_stage),

stay as (
    select
        deal_kind,
        deal_id,
        account_id,
        source,
        cast(null as varchar) as stage,
        coalesce(began_on, ended_on) as entered_on,
        began_on as known_from,
        ended_on as left_on,
        won or lost as has_left,
        won as went_on,
        won,
        lost
    from deal
    union all
    select
        d.deal_kind,
        d.deal_id,
        d.account_id,
        d.source,
        t.stage,
        case
            when not t.is_first then t.as_of_date
            when d.began_on > b.recorded_from then d.began_on
        end as entered_on,
        case
            when not t.is_first then t.as_of_date
            when d.began_on > b.recorded_from then d.began_on
        end as known_from,
        coalesce(t.next_date, d.ended_on) as left_on,
        t.next_date is not null or d.won or d.lost as has_left,
        -- A lead that is disqualified moves to no further stage.
        (t.next_date is not null and (t.deal_kind <> 'lead' or t.next_stage <> 'disqualified')) or d.won as went_on,
        d.won,
        d.lost
    from turned as t
    inner join deal as d on d.deal_kind = t.deal_kind and d.deal_id = t.deal_id
    cross join began as b
    -- A lead that was decided is in no stage any more.
    where t.deal_kind <> 'lead' or t.stage not in ('converted', 'disqualified')
),

counted as (
    select
        deal_kind,
        deal_id,
        account_id,
        source,
        stage,
        cast(date_trunc('month', entered_on) as date) as month,
        1 as entered,
        0 as departed,
        0 as converted,
        cast(null as bigint) as days,
        0 as won,
        0 as lost
    from stay
    union all
    select
        deal_kind,
        deal_id,
        account_id,
        source,
        stage,
        cast(date_trunc('month', left_on) as date) as month,
        0 as entered,
        1 as departed,
        case when went_on then 1 else 0 end as converted,
        case when known_from <= left_on then date_diff('day', known_from, left_on) end as days,
        case when won then 1 else 0 end as won,
        case when lost then 1 else 0 end as lost
    from stay
    where has_left
),

placed as (
    select
        c.deal_kind,
        c.stage,
        c.source,
        cast(null as varchar) as segmentation_id,
        cast(null as varchar) as segment_id,
        c.month,
        c.entered,
        c.departed,
        c.converted,
        c.days,
        c.won,
        c.lost
    from counted as c
    union all
    select
        c.deal_kind,
        c.stage,
        c.source,
        m.segmentation_id,
        m.segment_id,
        c.month,
        c.entered,
        c.departed,
        c.converted,
        c.days,
        c.won,
        c.lost
    from counted as c
    inner join segments.membership as m on m.entity_id = c.account_id
    where m.entity_kind = 'account' and m.left_date is null
)

select
    deal_kind,
    stage,
    source,
    segmentation_id,
    segment_id,
    month,
    cast(sum(entered) as bigint) as entered,
    cast(sum(departed) as bigint) as departed,
    cast(sum(converted) as bigint) as converted,
    avg(cast(days as double)) as days_in_stage,
    cast(sum(won) as bigint) as won,
    cast(sum(lost) as bigint) as lost,
    cast(sum(won) as double) / nullif(sum(won + lost), 0) as win_rate
from placed
group by deal_kind, stage, source, segmentation_id, segment_id, month
