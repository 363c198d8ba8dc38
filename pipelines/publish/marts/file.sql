-- step: marts.file
-- One row per landed file whose rows count: how it was read, and which of that was sniffed rather than
-- stated. What does not apply to a format is NULL; decimal_mark is empty where the file does not say.
-- key: file_id
-- store: replace
select
    f.file_id,
    f.source,
    f.path,
    f.batch_seq,
    f.size,
    f.rows,
    d.format,
    d.compression,
    d.encoding,
    d.newline,
    d.delimiter,
    d.quote,
    d.escape,
    d.header,
    d.skip,
    d.columns,
    d.decimal_mark,
    d.sniffed
from ingest.file as f
left join ingest.file_dialect as d on d.file_id = f.file_id
where f.current
