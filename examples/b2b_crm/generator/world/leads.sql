-- Enquiries: about 1.3 a day per 600 companies; many are of a company the CRM does not know yet.
with day as (
    select cast(unnest(range(date '2024-01-01', getvariable('through') + 1, interval 1 day)) as date) as created_on
),

drawn as (
    select
        created_on,
        unnest(range(0, cast(floor(getvariable('accounts') * 1.3 / 600 + chance('leads', created_on)) as bigint)))
            as n
    from day
),

named as (select *, printf('L%s-%d', strftime(created_on, '%y%m%d'), n) as lead_id from drawn),

fated as (
    select
        *,
        created_on + 1 + days('answered', lead_id, 5) as answered_on,
        created_on + 6 + days('decided', lead_id, 40) as decided_on,
        chance('fate', lead_id) as fate
    from named
)

select
    l.lead_id,
    a.account_id,
    l.created_on,
    one_of('lead source', l.lead_id, ['web', 'web', 'fair', 'referral', 'campaign']) as source,
    case
        when l.decided_on <= getvariable('through')
            then case when l.fate < 0.25 then 'converted' when l.fate < 0.4 then 'qualified' else 'disqualified' end
        when l.answered_on <= getvariable('through') then 'working'
        else 'new'
    end as status,
    case when l.decided_on <= getvariable('through') and l.fate < 0.25 then l.decided_on end as converted_on
from fated as l
left join accounts as a
    on a.number = 1 + floor(chance('whose', l.lead_id) * getvariable('accounts') / 0.6)
    and a.created_on <= l.created_on
