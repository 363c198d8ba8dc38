"""The kinds of entity that have features: what the wide table of each is made of.

The recipe (recipe.py) and the catalogue (catalogue.py) read this and tell no kind from another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from pipelines.config.features import Features
from pipelines.config.segments import Entity
from pipelines.features import custom
from pipelines.features.accounts import families as of_accounts
from pipelines.features.families import FRAGMENTS, configured
from pipelines.features.feature import Feature, Fragment


@dataclass(frozen=True)
class Kind:
    """What makes `features.<entity>`.

    Parameters
    ----------
    crm : the canonical table whose further columns are attributes of the entity.
    fragments : those of every project; the first says who there is at all.
    configured : those a project asks for: its settings and categories -> fragments.
    folder : where the SQL of the fragments stands, in `pipelines/`.
    needs : tables without which there is nobody of this kind.
    has_places : whether a distance follows from coordinates among the attributes.
    """

    entity: Entity
    crm: str
    fragments: tuple[Fragment, ...]
    configured: Callable[[Features, Sequence[str]], list[Fragment]]
    folder: str
    needs: tuple[str, ...] = ()
    has_places: bool = False

    @property
    def key(self) -> str:
        """The column that says whose the features are."""
        return f"{self.entity}_id"

    @property
    def known(self) -> str:
        """The fragment of those who are known by a day, which families share."""
        return f"known_{self.entity}"

    @property
    def standard(self) -> tuple[Feature, ...]:
        """The features of every project, mapped or not."""
        return tuple(feature for fragment in self.fragments for feature in fragment.features)

    def made_of(
        self, mapped: Collection[str], settings: Features, categories: Sequence[str] = ()
    ) -> list[Fragment]:
        """The fragments whose tables some source maps, in the order of the catalogue; attributes follow."""
        if not {*self.needs} <= {*mapped}:
            return []
        own = [custom.fragment(one) for one in settings.custom if one.entity == self.entity]
        asked = {fragment.name: fragment for fragment in self.configured(settings, categories)}
        standard = [asked.pop(fragment.name, fragment) for fragment in self.fragments]
        every = [*standard, *asked.values(), *own]
        return [fragment for fragment in every if {*fragment.needs} <= {*mapped}]


KINDS: Mapping[Entity, Kind] = {
    "customer": Kind("customer", "customers", FRAGMENTS, configured, "features/families", has_places=True),
    "account": Kind(
        "account",
        "accounts",
        of_accounts.FRAGMENTS,
        of_accounts.configured,
        "features/accounts",
        needs=("accounts",),
    ),
}
