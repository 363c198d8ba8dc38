"""However the same facts arrive, split, repeated, reordered or corrected on the way, core says the same.

The world is drawn first: what is true of every order, customer, contact and merge in the end, and what was
said of it before. Then it is delivered twice: once clean, and once in random pieces. Orders and merges come
by change feeds with versions, the CRM as snapshots, contacts are appended.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from deliveries import FEED, ORDERS, Deliveries, source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SOURCES = {
    "merges": source(
        {"customer_merges": {"old_id": "old", "new_id": "new"}}, version="cast(v as int)", **FEED
    ),
    "shop": source({"orders": ORDERS | {"revenue": "amount"}}, version="cast(v as int)", **FEED),
    "crm": source({"customers": {"customer_id": "id"}}, delivery="snapshot", max_deleted_share=1),
    "contacts": source({"campaign_contacts": {"campaign_id": "campaign", "customer_id": "customer"}}),
}
HEADS = {
    "merges": "old,new,v,op",
    "shop": "id,customer,day,amount,v,op",
    "crm": "id,town",
    "contacts": "campaign,customer",
}
IDS = st.integers(0, 4)


class World(NamedTuple):
    """What was said in the course of time: an order's or a merge's place in its list is its version.

    `None` is a deletion. Of `crm` the last snapshot is true.
    """

    shop: dict[int, list[tuple[int, int] | None]]
    merges: dict[int, list[int | None]]
    crm: list[dict[int, int]]
    contacts: list[tuple[int, int]]

    def lines(self, name: str) -> list[str]:
        """Everything that a source which is no snapshot ever says."""
        if name == "contacts":
            return [f"g{campaign},c{who}" for campaign, who in self.contacts]
        if name == "merges":
            return [
                f"c{old},,{v},D" if new is None else f"c{old},c{new},{v},I"
                for old, said in self.merges.items()
                for v, new in enumerate(said)
            ]
        return [
            f"o{order},,,,{v},D" if what is None else f"o{order},c{what[0]},2024-05-0{what[1] + 1},{v},{v},I"
            for order, said in self.shop.items()
            for v, what in enumerate(said)
        ]

    def last_lines(self, name: str) -> list[str]:
        """Only what is true in the end, deletions left out."""
        said = {"shop": self.shop, "merges": self.merges}[name]
        count = {key: len(versions) - 1 for key, versions in said.items()}
        last = [
            line
            for line in self.lines(name)
            if int(line.split(",")[-2]) == count[int(line.split(",")[0][1:])]
        ]
        return [line for line in last if not line.endswith(",D")]

    def snapshot(self, number: int) -> list[str]:
        return [f"c{who},town{town}" for who, town in self.crm[number].items()]


WORLDS = st.builds(
    World,
    shop=st.dictionaries(
        IDS, st.lists(st.none() | st.tuples(IDS, st.integers(0, 3)), min_size=1, max_size=3), min_size=1
    ),
    merges=st.dictionaries(IDS, st.lists(st.none() | IDS, min_size=1, max_size=2), max_size=4),
    crm=st.lists(st.dictionaries(IDS, st.integers(0, 2), min_size=1), min_size=1, max_size=3),
    contacts=st.lists(st.tuples(st.integers(0, 1), IDS), min_size=1, max_size=5),
)


def clean(world: World, folder: Path) -> Deliveries:
    """One file a source, with nothing but what is true in the end."""
    made = Deliveries(folder, SOURCES)
    for name in ("merges", "shop"):
        if lines := world.last_lines(name):
            made.land(name, [HEADS[name], *lines])
    made.land("crm", [HEADS["crm"], *world.snapshot(-1)])
    made.land("contacts", [HEADS["contacts"], *world.lines("contacts")])
    made.refresh()
    return made


def pieces(world: World, draw: st.DataObject) -> list[tuple[str, list[str]]]:
    """Files in any order, lines shuffled and repeated; only snapshots keep theirs."""
    files: list[tuple[str, list[str]]] = []
    for name in ("merges", "shop", "contacts"):
        lines = draw.draw(st.permutations(world.lines(name)))
        while lines:
            taken = draw.draw(st.integers(1, len(lines)))
            files.append((name, lines[:taken]))
            lines = lines[taken:]
    again = draw.draw(st.lists(st.sampled_from(files), max_size=3)) if files else []
    mixed = draw.draw(st.permutations([*files, *again]))
    return _with_snapshots(mixed, [("crm", world.snapshot(n)) for n in range(len(world.crm))], draw)


def _with_snapshots(
    files: Sequence[tuple[str, list[str]]], snapshots: Sequence[tuple[str, list[str]]], draw: st.DataObject
) -> list[tuple[str, list[str]]]:
    found = list(files)
    place = 0
    for snapshot in snapshots:
        place = draw.draw(st.integers(place, len(found)))
        found.insert(place, snapshot)
        place += 1
    return found


def check_a_world(world: World, draw: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        expected = clean(world, Path(one))
        made = Deliveries(Path(two), SOURCES)
        before: dict[str, list[tuple[object, ...]]] = {}
        for name, lines in pieces(world, draw):
            made.land(name, [HEADS[name], *lines])  # its account adds up, or this fails
            if not draw.draw(st.booleans()):
                continue
            made.refresh()
            dirty, after = made.take_dirty(), made.purchases()
            changed = {c for c in {*before, *after} if before.get(c) != after.get(c)}
            assert changed <= dirty or None in dirty, "a customer's orders changed and nobody was told"
            before = after
        made.refresh()
        assert made.core(places=False) == expected.core(places=False)
        assert made.purchases() == expected.purchases()
        assert made.core() == made.rebuild()
        expected.con.close()
        made.con.close()


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(WORLDS, st.data())
def test_facts_in_pieces_give_the_core_of_one_clean_load(world: World, draw: st.DataObject) -> None:
    check_a_world(world, draw)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(WORLDS, st.data())
def test_facts_in_pieces_give_the_core_of_one_clean_load_many_times(
    world: World, draw: st.DataObject
) -> None:
    check_a_world(world, draw)
