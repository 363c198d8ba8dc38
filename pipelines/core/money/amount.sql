-- step: money.amount
-- One row per amount that counts: every line of a known order, and every order without lines that has one.
-- From the amount as the source gives it to net revenue, a column a step, so that what is taken out adds up:
-- amount -> converted -> less what it included, plus what it was reduced by -> less VAT = revenue.
-- NULL revenue: a rate is missing, and the order is held (money.held_order).
-- Decimals are widened before a product, and a quotient is one of doubles, rounded once a row.
-- key: order_id, line_id
-- store: view
with entry as (
    select
        order_id,
        line_id,
        _source,
        product_id,
        quantity,
        revenue,
        discount,
        coupon_discount,
        cost,
        vat_rate,
        shipping,
        gift_card_sold,
        gift_card_redeemed,
        deposit
    from core.order_lines
    union all
    select
        o.order_id,
        cast(null as varchar) as line_id,
        o._source,
        cast(null as varchar) as product_id,
        cast(null as decimal(18, 4)) as quantity,
        o.revenue,
        o.discount,
        o.coupon_discount,
        cast(null as decimal(18, 4)) as cost,
        o.vat_rate,
        o.shipping,
        o.gift_card_sold,
        o.gift_card_redeemed,
        o.deposit
    from core.orders as o
    anti join core.order_lines as l on l.order_id = o.order_id
    where coalesce(o.revenue, o.discount, o.coupon_discount) is not null
),

converted as (
    select
        e.order_id,
        e.line_id,
        e._source,
        e.product_id,
        e.quantity,
        t.currency_rate,
        case s.vat
            when 'row' then e.vat_rate
            when 'country' then t.vat_rate
            when 'rate' then s.vat_rate
            else cast(0 as decimal(18, 8))
        end as vat_rate,
        coalesce(s.discount, false) as holds_discount,
        coalesce(s.coupon_discount, false) as holds_coupon_discount,
        coalesce(e.revenue, cast(0 as decimal(18, 4))) as amount,
        cast(coalesce(e.revenue, 0) * cast(t.currency_rate as decimal(28, 8)) as decimal(18, 4)) as converted,
        cast(coalesce(e.discount, 0) * cast(t.currency_rate as decimal(28, 8)) as decimal(18, 4)) as discount,
        cast(
            coalesce(e.coupon_discount, 0) * cast(t.currency_rate as decimal(28, 8)) as decimal(18, 4)
        ) as coupon_discount,
        cast(e.cost * cast(t.currency_rate as decimal(28, 8)) as decimal(18, 4)) as cost,
        cast(
            case when s.shipping then coalesce(e.shipping, 0) else 0 end
            * cast(t.currency_rate as decimal(28, 8)) as decimal(18, 4)
        ) as shipping,
        cast(
            case when s.gift_card_sold then coalesce(e.gift_card_sold, 0) else 0 end
            * cast(t.currency_rate as decimal(28, 8)) as decimal(18, 4)
        ) as gift_card_sold,
        cast(
            case when s.gift_card_redeemed then coalesce(e.gift_card_redeemed, 0) else 0 end
            * cast(t.currency_rate as decimal(28, 8)) as decimal(18, 4)
        ) as gift_card_redeemed,
        cast(
            case when s.deposit then coalesce(e.deposit, 0) else 0 end
            * cast(t.currency_rate as decimal(28, 8)) as decimal(18, 4)
        ) as deposit
    from entry as e
    inner join core.orders as o on o.order_id = e.order_id
    inner join money.term as t
        on t.currency = coalesce(o.currency, '')
        and t.country = coalesce(o.country, '')
        and t.business_date = o.business_date
    left join money.source as s on s.source = e._source
),

parts as (
    select
        *,
        cast(
            case when holds_discount then discount else 0 end
            + case when holds_coupon_discount then coupon_discount else 0 end as decimal(18, 4)
        ) as discount_taken_out,
        cast(
            converted - shipping - gift_card_sold - deposit + gift_card_redeemed
            - case when holds_discount then discount else 0 end
            - case when holds_coupon_discount then coupon_discount else 0 end as decimal(18, 4)
        ) as with_vat
    from converted
),

net as (
    select
        *,
        case
            when vat_rate = 0 then with_vat
            else cast(cast(with_vat as double) / (1 + cast(vat_rate as double)) as decimal(18, 4))
        end as revenue
    from parts
)

select
    order_id,
    line_id,
    _source,
    product_id,
    quantity,
    currency_rate,
    vat_rate,
    amount,
    converted,
    shipping,
    gift_card_sold,
    gift_card_redeemed,
    deposit,
    discount_taken_out,
    cast(with_vat - revenue as decimal(18, 4)) as vat,
    revenue,
    case
        when vat_rate = 0 then discount
        else cast(cast(discount as double) / (1 + cast(vat_rate as double)) as decimal(18, 4))
    end as discount,
    case
        when vat_rate = 0 then coupon_discount
        else cast(cast(coupon_discount as double) / (1 + cast(vat_rate as double)) as decimal(18, 4))
    end as coupon_discount,
    cost
from net
