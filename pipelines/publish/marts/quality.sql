-- marts.quality
-- One row per check of the newest batch of every source.
-- key: source, table_name, check_name
-- store: replace
-- inputs: quality.result
select source, table_name, check_name, description, severity, passed, unexpected_count, element_count,
    unexpected_percent, batch_seq
from quality.result
qualify batch_seq = max(batch_seq) over (partition by source)
