-- step: marts.feature_catalogue
-- One row per feature of customers or accounts: name, family, unit, type, meaning, the canonical tables it is made
-- from (`source`), and the share of those of the day of whom it says nothing.
-- key: entity_kind, name
-- store: replace
select
    entity_kind,
    name,
    family,
    unit,
    type,
    meaning,
    needs,
    tables as source,
    null_share
from features.catalogue
