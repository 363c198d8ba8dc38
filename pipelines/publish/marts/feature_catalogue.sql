-- step: marts.feature_catalogue
-- One row per feature of customers or accounts: name, family, unit, type, meaning, the canonical tables it is made
-- from (`source`), and the share of those of the day of whom it says nothing. Attributes that look personal are not
-- published: `published` is false, `looks_like` says what they seem to
-- hold, and `classified` whether the project says so (`personal`). Of an `additive` feature the sum over all customers
-- or accounts is a total, each thing counted once; of others it need not be.
-- key: entity_kind, name
-- store: replace
select
    c.entity_kind,
    c.name,
    c.family,
    c.unit,
    c.type,
    c.meaning,
    c.needs,
    c.tables as source,
    c.null_share,
    c.additive,
    u.name is null as published,
    coalesce(u.classified, false) as classified,
    u.looks_like
from features.catalogue as c
left join publish.unpublished as u on u.entity_kind = c.entity_kind and u.name = c.name
