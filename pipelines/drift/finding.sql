-- step: drift.finding
-- One row per segment in which a change was found (one incident each): its worst verdict, the features
-- concerned, the largest change first, and the largest index. A change of the shares of a segmentation has
-- a segmentation_id without segment_id and no features; one over all customers has neither id.
-- key: as_of_date, segmentation_id, segment_id
-- store: partition as_of_date
-- dialect: duckdb, a list of features in the order of their change
select
  as_of_date,
  baseline_date,
  baseline_basis,
  segmentation_id,
  segment_id,
  case when count_if(verdict = 'alert') > 0 then 'alert' else 'warn' end as verdict,
  coalesce(list(feature order by psi desc, feature) filter (where feature is not null), []) as features,
  max(psi) as max_psi
from drift.verdict
where as_of_date = $as_of_date and verdict in ('warn', 'alert')
group by as_of_date, baseline_date, baseline_basis, segmentation_id, segment_id
order by segmentation_id nulls first, segment_id nulls first
