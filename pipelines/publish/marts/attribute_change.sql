-- step: marts.attribute_change
-- One row per attribute of a customer, account, contact, lead or deal that a delivery changed: its value before and after,
-- and the last business day that had ended when the change came. Where a whole row went or came back, the attribute is
-- empty. Covers the last 92 days; the warehouse keeps all of them. Attributes that look personal are left out.
-- key: change_seq, entity_kind, given_id, attribute
-- store: replace
select
    c.change_seq,
    c.entity_kind,
    coalesce(m.survivor_id, nullif(array_to_string(c.row_key, '/'), '')) as entity_id,
    nullif(array_to_string(c.row_key, '/'), '') as given_id,
    c.event as change,
    c.column_name as attribute,
    c.value_before,
    c.value_after,
    c.changed_on,
    c.batch_seq
from history.attribute_change as c
left join core.customer_id_map as m on c.entity_kind = 'customer' and m.customer_id = c.row_key[1]
left join publish.unpublished as u on u.entity_kind = c.entity_kind and lower(u.name) = lower(c.column_name)
where u.name is null and c.changed_on > cast($as_of as date) - 92
