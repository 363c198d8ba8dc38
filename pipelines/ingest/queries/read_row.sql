-- query
-- One row per good row of a stage: mapped columns, and for each whether a column that its expression reads is filled.
-- key: _file_id, _row
select s._file_id, s._row, s."$columns", "$given"
from "$stage" as s
join "$raw" as r on r._file_id = s._file_id and r._row = s._row
where s._fault_reason is null
