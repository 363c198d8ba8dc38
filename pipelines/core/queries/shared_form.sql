-- query
-- One row per form that several ids of an entity share: they differ only by how they are written.
-- key: form
-- dialect: duckdb, which takes accents off letters; other engines have no function for it
select form, min(id) as first_id, max(id) as last_id
from (select id, "$form" from (select distinct id from "$ids" as named) as pooled) as formed
group by form
having count(*) > 1
