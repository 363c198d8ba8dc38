-- marts.feature_catalogue
-- One row per feature: name, family, unit, type and meaning.
-- key: name
-- store: replace
-- inputs: features.catalogue
select name, family, unit, type, meaning, needs from features.catalogue
