-- step: marts.metric_definitions
-- One row per published figure: where it stands, its unit, and what it means.
-- key: mart, metric
-- store: replace
select mart, metric, unit, meaning, source from publish.metric
union all
select
    entity_kind as mart,
    name as metric,
    unit,
    meaning,
    source
from features.catalogue
where type in ('BIGINT', 'INTEGER', 'DOUBLE') or type like 'DECIMAL%'
