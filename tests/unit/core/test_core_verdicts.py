"""Whatever becomes of the files, core says what a clean load of those that count says; rows are accounted for.

Files are handed in, sent again with other contents, refused by a check, accepted or taken out by a person;
a mapping is mended and quarantine replayed. Which files count after that is worked out here in a few lines:
of every path the newest accepted version, and of snapshots the last. They are then loaded once, in order.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from deliveries import FEED, Deliveries, source
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.core.replay import replay
from pipelines.errors import UsageError
from pipelines.ingest import decision

ORDER = {"order_id": "id", "customer_id": "customer", "ordered_at": "day"}
LINE = {"order_id": "id", "line_id": "line", "revenue": "amount"}
# What a person mends: `someday` is a day and `much` an amount.
MENDED_ORDER = ORDER | {"ordered_at": "replace(day, 'someday', '2024-05-09')"}
MENDED_LINE = LINE | {"revenue": "replace(amount, 'much', '99')"}
OTHERS = {
    "merges": source({"customer_merges": {"old_id": "old", "new_id": "new"}}),
    "crm": source({"customers": {"customer_id": "id"}}, delivery="snapshot", max_deleted_share=1),
}
# Two sources of one table, and two tables of one source.
SOURCES = OTHERS | {
    "shop": source({"orders": ORDER, "order_lines": LINE}, max_bad_share=1),
    "web": source({"orders": ORDER}, max_bad_share=1, **FEED),
}
MENDED = OTHERS | {
    "shop": source({"orders": MENDED_ORDER, "order_lines": MENDED_LINE}, max_bad_share=1),
    "web": source({"orders": MENDED_ORDER}, max_bad_share=1, **FEED),
}
HEADS = {
    "merges": "old,new",
    "crm": "id,town",
    "shop": "id,customer,day,line,amount",
    "web": "id,customer,day,op",
}


class Row(NamedTuple):
    """A line of a file; what the numbers say depends on the source. `what` -1 is a fault, or a deletion."""

    key: int
    who: int
    what: int

    def text(self, name: str) -> str:
        key, who, what = self
        day = f"2024-05-0{what + 1}" if what >= 0 else "someday"
        if name == "merges":
            return f"c{key},c{who}"
        if name == "crm":
            return f"c{key},town{who}" if what >= 0 else f",town{who}"
        if name == "shop":
            return f"o{key},c{who},{day},{who},{what if what >= 0 else 'much'}"
        return f"o{key},,,D" if what == 0 else f"o{key},{f'c{who}' if who else ''},{day},U"


class Hand(NamedTuple):
    """Files of one source handed in as one batch: the number in its name, and its rows."""

    source: str
    files: dict[int, list[Row]]
    accepted: bool = True


class Decide(NamedTuple):
    """A person accepts a rejected batch, or takes an accepted one out: the n-th of those there are."""

    accept: bool
    nth: int


class Replay(NamedTuple):
    """The mapping is mended, once and for all, and the quarantine of a source is replayed."""

    source: str


Deed = Hand | Decide | Replay
ROWS = st.lists(
    st.builds(Row, key=st.integers(0, 3), who=st.integers(0, 3), what=st.sampled_from([-1, 0, 1, 2])),
    min_size=1,
    max_size=4,
)
HANDS = st.builds(
    Hand,
    source=st.sampled_from([*SOURCES, "shop", "web"]),
    files=st.dictionaries(st.integers(0, 2), ROWS, min_size=1, max_size=2),
    accepted=st.sampled_from([True, True, False]),
)
DECISIONS = st.builds(Decide, accept=st.booleans(), nth=st.integers(0, 3))
DEEDS = st.lists(
    st.tuples(
        HANDS | HANDS | DECISIONS | st.builds(Replay, source=st.sampled_from(["shop", "web", "crm"])),
        st.sampled_from([True, True, False]),  # whether core is brought up before the next one
    ),
    min_size=3,
    max_size=10,
)


class Story:
    """A warehouse that deeds are done to, and what was handed in."""

    def __init__(self, folder: Path) -> None:
        self.made = Deliveries(folder, SOURCES)
        self.handed: dict[int, dict[str, list[str]]] = {}  # batch -> path -> lines, in order

    def do(self, deed: Deed) -> None:
        if isinstance(deed, Hand):
            self._hand(deed)
        elif isinstance(deed, Decide):
            self._decide(deed)
        else:
            self.made.sources = MENDED
            replay(self.made.con, MENDED, deed.source, "run")
        self.made.check_accounts()

    def _hand(self, deed: Hand) -> None:
        files = {
            f"{deed.source}-{number}.csv": [HEADS[deed.source], *(row.text(deed.source) for row in rows)]
            for number, rows in sorted(deed.files.items())
        }
        known = self._newest(deed.source)
        seq = self.made.land(deed.source, *files.values(), accepted=deed.accepted, names=list(files))
        new = {path: lines for path, lines in files.items() if known.get(path) != lines}
        assert bool(seq) == bool(new), "a file is landed when it is new or says something else, and only then"
        if seq:
            self.handed[seq] = new

    def _newest(self, name: str) -> dict[str, list[str]]:
        """Path -> what its last version says, whatever became of it."""
        found: dict[str, list[str]] = {}
        for seq in sorted(self.handed):
            found |= {path: lines for path, lines in self.handed[seq].items() if path.startswith(name)}
        return found

    def _status(self) -> dict[int, str]:
        return dict(self.made.con.execute("select batch_seq, status from ingest.batch").fetchall())

    def _decide(self, deed: Decide) -> None:
        wanted = "rejected" if deed.accept else "accepted"
        choice = [seq for seq, status in sorted(self._status().items()) if status == wanted]
        if not choice:
            return
        seq = choice[deed.nth % len(choice)]
        if not deed.accept:
            decision.reject(self.made.con, seq)
            return
        later = {
            path
            for other, status in self._status().items()
            if other > seq and status == "accepted"
            for path in self.handed[other]
        }
        if later >= set(self.handed[seq]):
            with pytest.raises(UsageError, match="nothing of it would count"):
                decision.accept(self.made.con, seq)
        else:
            decision.accept(self.made.con, seq)

    def counting(self) -> list[tuple[str, list[str]]]:
        """Source and lines of every file that counts, in the order in which they came."""
        found: dict[str, tuple[str, list[str]]] = {}
        for seq, status in sorted(self._status().items()):
            if status != "accepted":
                continue
            for path, lines in self.handed[seq].items():
                name = path.split("-")[0]
                place = "crm" if name == "crm" else path  # of snapshots only the last one counts
                found.pop(place, None)
                found[place] = (name, lines)
        return list(found.values())


def check_a_story(deeds: list[tuple[Deed, bool]]) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        story, expected = Story(Path(one)), Deliveries(Path(two), SOURCES)
        made = story.made
        before: dict[str, list[tuple[object, ...]]] = {}
        for deed, bring_up in deeds:
            story.do(deed)
            if bring_up:
                made.refresh()
                before = made.told(before)
        made.refresh()
        made.told(before)
        expected.sources = made.sources
        for name, lines in story.counting():
            expected.land(name, lines)
        expected.refresh()
        assert made.core(places=False) == expected.core(places=False)
        assert made.core() == made.rebuild()
        expected.con.close()
        made.con.close()


def hand(name: str, *files: tuple[int, list[tuple[int, int, int]]], accepted: bool = True) -> Hand:
    return Hand(name, {number: [Row(*row) for row in rows] for number, rows in files}, accepted)


# Every kind of delivery and verdict once, with core brought up after each.
FULL: list[Deed] = [
    hand("shop", (0, [(0, 0, 1), (0, 1, 2), (1, 2, -1)]), (1, [(2, 2, 0), (2, 2, 1)])),
    hand("web", (0, [(1, 1, 1), (3, 3, 2)])),
    hand("crm", (0, [(0, 0, 0), (2, 2, 0), (1, 1, 0)])),
    hand("merges", (0, [(1, 2, 0)])),  # 1 becomes 2, whose own row of the CRM stays
    hand("shop", (2, [(2, 2, 2), (0, 3, 1)])),  # 2 is corrected, and 0 moves to another customer
    hand("web", (1, [(1, 0, 0), (0, 2, 1), (2, 1, -1)])),  # 1 is deleted
    hand("crm", (1, [(1, 1, 0), (3, 0, 0)]), (2, [(0, 1, 0), (2, 2, 0), (0, 2, -1)])),  # 1 is no customer now
    hand("crm", (0, [(3, 3, 0)]), accepted=False),
    hand("shop", (0, [(3, 0, 2)]), accepted=False),
    hand("shop", (0, [(0, 2, 2)])),  # the first batch is replaced in part, by what was corrected
    Decide(accept=True, nth=1),  # nothing of the refused one would count
    hand("shop", (3, [(3, 1, 1), (1, 1, 2)]), accepted=False),
    hand("shop", (4, [(1, 1, 1)])),
    Decide(accept=True, nth=2),  # the one before the last enters, and undoes nothing
    hand("merges", (1, [(2, 3, 0)])),  # the chain is longer
    Decide(accept=False, nth=5),  # what web said last is taken out
    Replay("shop"),
]
FAST = settings(max_examples=1, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@FAST
@example([(deed, True) for deed in FULL])
@given(DEEDS)
def test_files_that_count_are_as_if_no_other_had_come(deeds: list[tuple[Deed, bool]]) -> None:
    check_a_story(deeds)


@pytest.mark.slow
@settings(FAST, max_examples=150)
@given(DEEDS)
def test_files_that_count_are_as_if_no_other_had_come_many_times(deeds: list[tuple[Deed, bool]]) -> None:
    check_a_story(deeds)
