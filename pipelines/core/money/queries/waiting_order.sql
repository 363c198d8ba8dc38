-- query
-- One row per order that waits for a rate, the oldest first: where it stands and what it lacks.
-- dialect: duckdb, the ledger of files is DuckDB's own
select h.source, h.reason, o.business_date, o.currency, o.country, f.path as file, o._row as row_number
from money.held_order as h
join core.orders as o on o.order_id = h.order_id
left join ingest.file as f on f.file_id = o._file_id
where ($source is null or h.source = $source) and ($reason is null or h.reason = $reason)
order by o.business_date, file, row_number
limit $limit
