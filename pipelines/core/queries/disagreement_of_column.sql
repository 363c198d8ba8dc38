-- query
-- One row per column and pair of sources that disagree on it: on how many keys, most first.
-- key: column_name, source, other_source
select column_name, source, other_source, count(*) as keys
from "$disagreement" as d
group by column_name, source, other_source
order by count(*) desc, column_name, source, other_source
