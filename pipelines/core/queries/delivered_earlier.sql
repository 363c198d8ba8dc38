-- query
-- One row per key that arrived and was not known, or came on a later day as far as was known.
select a."$key", min(a.delivered_on) as delivered_on
from "$arrived" as a
left join "$known" as k on k."$key" = a."$key"
where k."$key" is null or a.delivered_on < k.delivered_on
group by a."$key"
