-- step: marts.revenue_bridge
-- One row per source, table and step from the source's gross total to net revenue, and for all of them.
-- A 'total' stands for what is left at its place, a 'change' for what is added or taken out there;
-- running_total adds the changes up. The first steps add amounts of all currencies at face value.
-- key: source, table_name, position
-- store: replace
with landed as (
    select
        f.source,
        a.table_name,
        sum(a.landed) as landed,
        sum(a.quarantined) as quarantined
    from ingest.file_amount as a
    inner join ingest.file as f on f.file_id = a.file_id
    where f.current
    group by f.source, a.table_name
),

core as (
    select _source as source, 'order_lines' as table_name, sum(revenue) as core
    from core.order_lines
    group by _source
    union all
    select _source as source, 'orders' as table_name, sum(revenue) as core
    from core.orders
    where revenue is not null
    group by _source
),

placed as (
    select
        a.*,
        case when a.line_id is null then 'orders' else 'order_lines' end as table_name,
        "$counts" as completed,
        o.customer_id is null as guest,
        case
            when o.business_date > $as_of then 'later'
            when h.reason is not null then h.reason
            else 'counted'
        end as state
    from money.amount as a
    inner join core.orders as o on o.order_id = a.order_id
    left join money.held_order as h on h.order_id = a.order_id
),

summed as (
    -- A handful of rows: each amount is added once, and told apart afterwards.
    select
        _source as source,
        table_name,
        state,
        completed,
        guest,
        sum(amount) as amount,
        sum(converted) as converted,
        sum(shipping) as shipping,
        sum(gift_card_sold) as gift_card_sold,
        sum(gift_card_redeemed) as gift_card_redeemed,
        sum(deposit) as deposit,
        sum(discount_taken_out) as discount,
        sum(vat) as vat,
        sum(revenue) as revenue
    from placed
    group by _source, table_name, state, completed, guest
),

counted as (
    select
        source,
        table_name,
        sum(amount) as known,
        sum(amount) filter (where state = 'later') as later,
        sum(amount) filter (where state = 'no_currency_rate') as no_currency_rate,
        sum(amount) filter (where state = 'no_vat_rate') as no_vat_rate,
        sum(converted - amount) filter (where state = 'counted') as converted,
        sum(shipping) filter (where state = 'counted') as shipping,
        sum(gift_card_sold) filter (where state = 'counted') as gift_card_sold,
        sum(gift_card_redeemed) filter (where state = 'counted') as gift_card_redeemed,
        sum(deposit) filter (where state = 'counted') as deposit,
        sum(discount) filter (where state = 'counted') as discount,
        sum(vat) filter (where state = 'counted') as vat,
        sum(revenue) filter (where state = 'counted' and not completed) as not_completed,
        sum(revenue) filter (where state = 'counted' and completed and guest) as guests
    from summed
    group by source, table_name
),

wide as (
    select
        coalesce(l.source, c.source) as source,
        coalesce(l.table_name, c.table_name) as table_name,
        coalesce(l.landed, 0) as landed,
        coalesce(l.quarantined, 0) as quarantined,
        coalesce(l.landed, 0) - coalesce(l.quarantined, 0) - coalesce(c.core, 0) as superseded,
        coalesce(c.core, 0) - coalesce(k.known, 0) as not_read,
        k.* exclude (source, table_name, known)
    from landed as l
    full join core as c on c.source = l.source and c.table_name = l.table_name
    left join counted as k
        on k.source = coalesce(l.source, c.source) and k.table_name = coalesce(l.table_name, c.table_name)
),

step (position, step, kind, meaning) as (
    values
    (1, 'gross', 'total', 'What accepted files say, all rows, before anything was refused'),
    (2, 'quarantined', 'change', 'Rows with a fault'),
    (3, 'superseded', 'change', 'Rows left out for another of their key: repeats, conflicts, corrections, deletions'),
    (4, 'order_unknown', 'change', 'Lines whose order nobody delivered'),
    (5, 'told_by_lines', 'change', 'Orders with lines: the money stands on the lines'),
    (6, 'later', 'change', 'Orders after the day of the run'),
    (7, 'no_currency_rate', 'change', 'Orders that wait for an exchange rate'),
    (8, 'no_vat_rate', 'change', 'Orders that wait for a VAT rate'),
    (9, 'currencies', 'change', 'Difference by converting other currencies'),
    (10, 'shipping', 'change', 'Shipping that amounts include'),
    (11, 'gift_cards_sold', 'change', 'Gift cards sold that amounts include'),
    (12, 'gift_cards_redeemed', 'change', 'Paid with gift cards, by which amounts were reduced'),
    (13, 'deposits', 'change', 'Deposits that amounts include'),
    (14, 'discounts', 'change', 'Discounts and coupons that amounts do not show yet'),
    (15, 'vat', 'change', 'VAT that amounts include'),
    (16, 'not_completed', 'change', 'Cancelled and returned orders'),
    (17, 'net_revenue', 'total', 'Net revenue, guests included: the sum of marts.revenue_day'),
    (18, 'guests', 'change', 'Orders without a customer'),
    (19, 'customer_revenue', 'total', 'Net revenue of known customers: the sum of marts.customer')
),

change as (
    select
        w.source,
        w.table_name,
        s.position,
        s.step,
        s.kind,
        s.meaning,
        cast(
            coalesce(
                case s.step
                    when 'gross' then w.landed
                    when 'quarantined' then - w.quarantined
                    when 'superseded' then - w.superseded
                    when 'order_unknown' then - case when w.table_name = 'order_lines' then w.not_read end
                    when 'told_by_lines' then - case when w.table_name = 'orders' then w.not_read end
                    when 'later' then - w.later
                    when 'no_currency_rate' then - w.no_currency_rate
                    when 'no_vat_rate' then - w.no_vat_rate
                    when 'currencies' then w.converted
                    when 'shipping' then - w.shipping
                    when 'gift_cards_sold' then - w.gift_card_sold
                    when 'gift_cards_redeemed' then w.gift_card_redeemed
                    when 'deposits' then - w.deposit
                    when 'discounts' then - w.discount
                    when 'vat' then - w.vat
                    when 'not_completed' then - w.not_completed
                    when 'guests' then - w.guests
                end,
                0
            ) as decimal(38, 4)
        ) as moved
    from wide as w
    cross join step as s
),

every as (
    select source, table_name, position, step, kind, meaning, moved from change
    union all
    select
        '(all)' as source,
        '(all)' as table_name,
        position,
        step,
        kind,
        meaning,
        cast(sum(moved) as decimal(38, 4)) as moved
    from change
    group by position, step, kind, meaning
),

running as (
    select
        *,
        cast(
            sum(moved) over (
                partition by source, table_name order by position
                rows between unbounded preceding and current row
            ) as decimal(38, 4)
        ) as running_total
    from every
)

select
    source,
    table_name,
    position,
    step,
    kind,
    case when kind = 'total' then running_total else moved end as amount,
    running_total,
    meaning
from running
