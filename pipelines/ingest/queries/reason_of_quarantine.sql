-- query
-- One row per reason and column why rows of a batch are in quarantine, the most frequent first.
-- key: table_name, reason, column_name
-- dialect: duckdb, the ledgers of ingest are DuckDB's own
select
    table_name,
    reason,
    column_name,
    count(*) as rows,
    list_transform(
        list_sort(min({'file': file, 'row': row_number}, $samples)),
        lambda place: place.file || ':' || place.row
    ) as places
from quarantine.row
where batch_seq = $seq
group by all
order by rows desc, table_name, reason, column_name
