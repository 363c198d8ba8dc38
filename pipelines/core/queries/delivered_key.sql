-- query
-- One row per key of typed rows without a fault: the business day that had ended last when its first batch came.
select r."$key", min(b.delivered_on) as delivered_on
from "$typed" as r
inner join ingest.file as f on f.file_id = r._file_id
inner join ingest.batch as b on b.batch_seq = f.batch_seq
where r._fault_reason is null
group by r."$key"
