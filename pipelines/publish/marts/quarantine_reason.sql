-- step: marts.quarantine_reason
-- One row per source, table, reason and column: how many rows are kept out now, and where
-- five of them stand. Rows of a file that was replaced are out, as in `lohko quarantine list`. Orders that wait
-- for a rate count too, with what they lack: they enter by themselves once it is there.
-- key: source, table_name, reason, column_name
-- store: replace
-- dialect: duckdb, the five least places of a group; it follows the quarantine, not the history
with newest as (
    select max(file_id) as file_id from ingest.file group by source, path
),

standing as (
    select q.source, q.table_name, q.reason, q.column_name, q.file, q.row_number
    from quarantine.row as q
    inner join ingest.batch as b on b.batch_seq = q.batch_seq
    inner join ingest.file as f on f.batch_seq = q.batch_seq and f.path = q.file
    left join newest as n on n.file_id = f.file_id
    where (b.status = 'accepted' and f.current) or (b.status = 'rejected' and n.file_id is not null)
),

waiting as (
    select
        h.source,
        h.reason,
        h.column_name,
        f.path,
        o._row,
        -- A code is no person's; what is none is not told.
        case
            when h.column_name = 'currency' then upper(coalesce(o.currency, ''))
            else upper(coalesce(o.country, ''))
        end as code
    from money.held_order as h
    inner join core.orders as o on o.order_id = h.order_id
    left join ingest.file as f on f.file_id = o._file_id
)

select source, table_name, reason, column_name, count(*) as rows,
    array_to_string(list_sort(min(file || ':' || row_number, 5)), '; ') as samples
from standing
group by source, table_name, reason, column_name
union all
select source, 'orders' as table_name, reason, column_name, count(*) as rows,
    array_to_string(
        list_sort(
            min(
                path || ':' || _row || ' ('
                || case
                    when code = '' then 'no '
                    when regexp_full_match(code, '[A-Z]{2,3}') then code || ' as '
                    else 'no code as '
                end
                || case when column_name = 'currency' then 'currency' else 'country' end || ')',
                5
            )
        ),
        '; '
    ) as samples
from waiting
group by source, reason, column_name
