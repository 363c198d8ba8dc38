-- step: marts.quality
-- One row per check of the newest batch of every source, per expectation of a mart (source marts), and
-- per column of ids and list of the last refresh (sources core and lists).
-- `samples` are places, file and row or day; never values.
-- key: source, table_name, check_name
-- store: replace
select source, table_name, check_name, description, severity, passed, unexpected_count, element_count,
    unexpected_percent, nullif(r.batch_seq, 0) as batch_seq,
    (
        select string_agg(sample, '; ' order by position)
        from quality.sample as s
        where s.batch_seq = r.batch_seq and s.source = r.source and s.table_name = r.table_name
            and s.check_name = r.check_name
    ) as samples
from quality.result as r
where r.batch_seq > 0 or r.run_id = $run_id or r.source in ('core', 'lists')
qualify r.batch_seq = max(r.batch_seq) over (partition by r.source, r.batch_seq > 0)
