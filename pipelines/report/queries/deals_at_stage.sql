-- query
-- One row per kind of deal and stage, and one of the deals as a whole, without a stage: how many came, left and went
-- on from it in all months, and how many are there now.
-- dialect: duckdb, marts are published as a DuckDB file
select
    deal_kind,
    stage,
    sum(entered)::bigint as entered,
    sum(departed)::bigint as departed,
    sum(converted)::bigint as converted,
    sum(entered - departed)::bigint as standing,
    sum(won)::bigint as won,
    sum(lost)::bigint as lost,
    sum(converted) / nullif(sum(departed), 0) as went_on_share,
    sum(won) / nullif(sum(won + lost), 0) as win_rate
from marts.funnel
where segmentation_id is null
group by deal_kind, stage
order by deal_kind, stage nulls first
