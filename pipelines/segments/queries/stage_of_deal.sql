-- query
-- One row per deal or lead that stands at another stage than was recorded last, or of which none was recorded yet.
-- A row counts from the day on which the batch that says it came: a day that is caught up learns nothing of today.
-- key: deal_kind, deal_id
with standing as (
    select
        'opportunity' as deal_kind,
        o.opportunity_id as deal_id,
        o.stage,
        o._batch_seq
    from core.opportunities as o
    where o.stage is not null
    union all
    select
        'lead' as deal_kind,
        l.lead_id as deal_id,
        coalesce(l.status, case when l.converted_on is not null then 'converted' else 'new' end) as stage,
        l._batch_seq
    from core.leads as l
),

recorded as (
    select
        deal_kind,
        deal_id,
        stage,
        row_number() over (partition by deal_kind, deal_id order by as_of_date desc) as place
    from segments.deal_stage
)

select
    s.deal_kind,
    s.deal_id,
    s.stage,
    cast($day as date) as as_of_date,
    r.deal_id is null as is_first
from standing as s
inner join ingest.batch as b on b.batch_seq = s._batch_seq
left join recorded as r on r.deal_kind = s.deal_kind and r.deal_id = s.deal_id and r.place = 1
where
    b.delivered_on <= $day
    and (r.deal_id is null or r.stage <> s.stage)
