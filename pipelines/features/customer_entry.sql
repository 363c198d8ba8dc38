-- step: features.customer_entry
-- One row per customer with a purchase: the first day with one, and the category and product with the most
-- revenue on it. Later orders never change it.
-- key: customer_id
-- store: append
with first_day as (
    select
        d.customer_id,
        min(d.business_date) as first_date
    from features.customer_day as d
    where d.orders > 0
    group by d.customer_id
),

-- Grouped, so that the engine joins the lines with these few orders, not with all there are.
first_order as (
    select
        f.customer_id,
        o.order_id
    from first_day as f
    inner join money.orders as o on o.customer_id = f.customer_id and o.business_date = f.first_date
    where "$counts"
    group by f.customer_id, o.order_id
),

bought as (
    select
        f.customer_id,
        l.product_id,
        p.category,
        sum(l.revenue) as revenue
    from first_order as f
    inner join money.order_lines as l on l.order_id = f.order_id
    left join core.products as p on p.product_id = l.product_id
    group by f.customer_id, l.product_id, p.category
),

category as (
    select
        customer_id,
        category,
        row_number() over (partition by customer_id order by sum(revenue) desc, category) as place
    from bought
    where category is not null
    group by customer_id, category
),

product as (
    select
        customer_id,
        product_id,
        row_number() over (partition by customer_id order by revenue desc, product_id) as place
    from bought
    where product_id is not null
)

select
    f.customer_id,
    f.first_date,
    c.category as entry_category,
    p.product_id as entry_product
from first_day as f
left join category as c on c.customer_id = f.customer_id and c.place = 1
left join product as p on p.customer_id = f.customer_id and p.place = 1
