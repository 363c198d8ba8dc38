-- query
-- One row per kind of deal and month, of the last 14 months with any, the newest first; then those without a day.
-- dialect: duckdb, marts are published as a DuckDB file
select
    deal_kind,
    month,
    sum(entered)::bigint as entered,
    sum(departed)::bigint as departed,
    sum(won)::bigint as won,
    sum(lost)::bigint as lost,
    sum(won) / nullif(sum(won + lost), 0) as win_rate
from marts.funnel
where stage is null and segmentation_id is null
group by deal_kind, month
qualify month is null or dense_rank() over (partition by deal_kind, month is null order by month desc) <= 14
order by deal_kind, month desc nulls last
