"""The families of features: a module and a SELECT each. To add one, write both and list it here."""

from __future__ import annotations

from pipelines.features.families import category, person, purchase, store
from pipelines.features.feature import Fragment

# In the order of the catalogue; `person` says who is a customer at all, and comes first.
FRAGMENTS: tuple[Fragment, ...] = (
    person.FRAGMENT,
    purchase.FRAGMENT,
    category.FRAGMENT,
    store.FRAGMENT,
)
