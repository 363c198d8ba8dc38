-- step: marts.attribute_quality
-- One row per attribute of customers and of accounts: how many have it, how old it is and where it comes from.
-- Origins and ages where `attributes` in project.yaml says them; an expired value counts as unknown.
-- key: entity_kind, attribute
-- store: replace
select * from features.attribute_quality
