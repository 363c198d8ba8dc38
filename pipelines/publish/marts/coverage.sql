-- step: marts.coverage
-- One row per source and column of ids, and per uploaded list (source lists): how many of its rows and ids stand
-- in the table they refer to, over all and over the newest batch of the source.
-- key: source, table_name, column_name
-- store: replace
with listed as (
    select
        'lists' as source,
        segmentation_id as table_name,
        segment_id as column_name,
        case entity_kind when 'account' then 'accounts' else 'customers' end as referenced_table,
        ids as named_ids,
        known_ids
    from segments.list_coverage
),

found as (
    select
        source, table_name, column_name, referenced_table,
        named_rows, known_rows, named_ids, known_ids,
        newest_named_rows, newest_known_rows, newest_named_ids, newest_known_ids
    from ingest.coverage
    union all
    select
        source, table_name, column_name, referenced_table,
        named_ids, known_ids, named_ids, known_ids,
        named_ids, known_ids, named_ids, known_ids
    from listed
)

select
    source,
    table_name,
    column_name,
    referenced_table,
    named_rows,
    known_rows,
    cast(known_rows as double) / nullif(named_rows, 0) as known_row_share,
    named_ids,
    known_ids,
    cast(known_ids as double) / nullif(named_ids, 0) as known_id_share,
    newest_named_rows,
    newest_known_rows,
    cast(newest_known_rows as double) / nullif(newest_named_rows, 0) as newest_known_row_share,
    newest_named_ids,
    newest_known_ids,
    cast(newest_known_ids as double) / nullif(newest_named_ids, 0) as newest_known_id_share
from found
