-- step: money.held_order
-- No row: nothing waits for a rate.
-- key: order_id
-- store: replace
select
    cast(null as varchar) as order_id,
    cast(null as varchar) as source,
    cast(null as varchar) as reason,
    cast(null as varchar) as column_name
where false
