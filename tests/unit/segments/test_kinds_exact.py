"""Cut points, hysteresis and the other kinds, against their definitions written another way."""

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fixtures.seeds import seeds
from population import ABSENT, FEATURES, D, empty_population, fill

from pipelines.engine import DuckDB
from pipelines.errors import ConfigError
from pipelines.segments import history
from pipelines.segments.assignment import assign
from pipelines.segments.definitions import Definitions, load_definitions


def definitions(root: Path, **files: str) -> Definitions:
    """The definitions of some files, by name."""
    folder = root / "segments"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.yaml"):
        old.unlink()
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text.strip(), encoding="utf-8")
    return load_definitions(folder, {"customer": FEATURES}, {"customer": ABSENT})


def assigned(con: duckdb.DuckDBPyConnection, found: Definitions, day: date = D) -> dict[str, dict[str, Any]]:
    """Customer -> segmentation -> what the plan says."""
    found.checked()
    plan = found.plan()
    plan.prepare(DuckDB(con), day)
    cursor = con.execute(plan.sql, plan.parameters(day))
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row.pop("entity_id"): row for row in rows}


def random_customers(rng: random.Random, count: int) -> dict[str, dict[str, Any]]:
    """Ties, unknown and negative values, and whole and fractional ones."""
    return {
        f"c{i}": {
            "orders_365d": rng.choice([0, 1, 1, 2, None]),
            "recency_days": rng.choice([None, 0, 1, 5, 5, 5, 30, 400]),
            "revenue_365d": rng.choice([None, -20, -0.0001, 0, 10, 10, 33.3333, 99999999999.9999]),
            "share_meat_365d": rng.choice([None, 0.1, 1 / 3, 2 / 3, 0.7, 1.0]),
            "last_purchase_date": rng.choice([None, D, D - timedelta(days=40)]),
            "in_crm": rng.choice([True, False, None]),
        }
        for i in range(count)
    }


SCORES = """
segmentation: s
name: S
kind: scores
population: orders_365d > 0
scores:
  a: {{feature: recency_days, better: low, bins: {bins}}}
  b: {{feature: revenue_365d, bins: {bins}}}
  c: {{feature: share_meat_365d, bins: {bins}}}
segments: [{{id: top, name: Top, when: a = {bins}}}]
otherwise: {{id: rest, name: Rest}}
outside: {{id: out, name: Out}}
"""
RANK = """
select customer_id, case when {feature} is not null then
    1 + ({bins} * (rank() over (order by {feature} {order} nulls first) - 1)) // count(*) over () end
from features.customer where as_of_date = ? and orders_365d > 0
"""


@pytest.mark.parametrize("seed", seeds(4, 12))
def test_scores_from_cut_points_equal_the_rank_of_everyone(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    con = empty_population()
    fill(con, D, random_customers(rng, rng.choice([0, 1, 3, 40])))
    bins = rng.choice([2, 3, 5, 20])
    reader = "segmentation: r\nname: R\nkind: audiences\naudiences:\n" + "".join(
        f"  - {{id: {s}{k}, name: {s}{k}, when: \"score('s.{s}') = {k}\"}}\n"
        for s in "abc"
        for k in range(1, bins + 1)
    )
    found = assigned(con, definitions(tmp_path, s=SCORES.format(bins=bins), r=reader))
    features = {"a": ("recency_days", "desc"), "b": ("revenue_365d", "asc"), "c": ("share_meat_365d", "asc")}
    expected: dict[str, list[str]] = {customer: [] for customer in found}
    for name, (feature, order) in features.items():
        for customer, score in con.execute(
            RANK.format(feature=feature, order=order, bins=bins), [D]
        ).fetchall():
            expected[customer] += [f"{name}{score}"] if score is not None else []
    assert {customer: row["r"] for customer, row in found.items()} == expected


TIERS = """
segmentation: t
name: T
kind: tiers
by: {by}
tiers:
  - {{id: top, name: Top, until: 0.3}}
  - {{id: high, name: High, until: 0.5}}
  - {{id: mid, name: Mid, until: 0.8}}
  - {{id: low, name: Low, until: 1}}
otherwise: {{id: none, name: None}}
"""
WINDOW = """
with valued as (
    select customer_id, {by} as value,
        sum({by}) over (order by {by} desc) - {by} * count(*) over (partition by {by}) as above,
        sum({by}) over () as total
    from features.customer where as_of_date = ? and {by} > 0
)
select customer_id, case when cast(above as double) < 0.3 * cast(total as double) then 'top'
    when cast(above as double) < 0.5 * cast(total as double) then 'high'
    when cast(above as double) < 0.8 * cast(total as double) then 'mid' else 'low' end
from valued
"""


@pytest.mark.parametrize("by", ["revenue_365d", "recency_days"])
@pytest.mark.parametrize("seed", seeds(3, 12))
def test_tiers_from_cut_points_equal_the_window_over_everyone(tmp_path: Path, seed: int, by: str) -> None:
    rng = random.Random(seed)
    con = empty_population()
    fill(con, D, random_customers(rng, rng.choice([0, 1, 5, 60])))
    found = assigned(con, definitions(tmp_path, t=TIERS.format(by=by)))
    expected = dict.fromkeys(found, "none") | dict(con.execute(WINDOW.format(by=by), [D]).fetchall())
    assert {customer: row["t"] for customer, row in found.items()} == expected


@pytest.mark.parametrize(("better", "scores"), [("high", [1, 2, 2, 3, None]), ("low", [3, 3, 2, 2, None])])
def test_fixed_cut_points_count_how_many_are_reached(tmp_path: Path, better: str, scores: list[Any]) -> None:
    con = empty_population()
    values = [9, 10, 99, 100.5, None]
    fill(con, D, {f"c{i}": {"revenue_365d": value} for i, value in enumerate(values)})
    text = f"""
segmentation: s
name: S
kind: scores
scores: {{m: {{feature: revenue_365d, better: {better}, cuts: [10, 100.5]}}}}
segments:
  - {{id: one, name: One, when: m = 1}}
  - {{id: two, name: Two, when: m = 2}}
  - {{id: three, name: Three, when: m = 3}}
otherwise: {{id: rest, name: Rest}}
outside: {{id: out, name: Out}}
"""
    named = {1: "one", 2: "two", 3: "three", None: "rest"}
    found = assigned(con, definitions(tmp_path, s=text))
    assert [found[f"c{i}"]["s"] for i in range(5)] == [named[score] for score in scores]


def test_a_plan_whose_cut_points_were_not_prepared_fails(tmp_path: Path) -> None:
    con = empty_population()
    fill(con, D, {"a": {"revenue_365d": 5}, "b": {"revenue_365d": 1}})
    found = definitions(tmp_path, t=TIERS.format(by="revenue_365d"))
    assigned(con, found)
    plan = found.plan()
    fill(con, D + timedelta(days=1), {"a": {"revenue_365d": 5}})
    with pytest.raises(duckdb.Error, match="cut points of the day are not there"):
        con.execute(plan.sql, plan.parameters(D + timedelta(days=1)))


FLAPPING = """
segmentation: x
name: X
kind: rules
segments:
  - {id: hot, name: Hot, when: recency_days <= 10, exit: recency_days > 20}
  - {id: big, name: Big, when: revenue_365d > 100, exit: revenue_365d < 50, dwell_days: 3}
  - {id: warm, name: Warm, when: recency_days <= 30, dwell_days: 2}
otherwise: {id: cold, name: Cold}
"""
WARM = """
segmentation: y
name: Y
kind: audiences
audiences:
  - {id: buyers, name: Buyers, when: recency_days <= 10, exit: recency_days > 20, exclude: in_crm}
  - {id: spenders, name: Spenders, when: revenue_365d > 100, dwell_days: 2}
"""


class Oracle:
    """Hysteresis as the manual tells it, one customer and day at a time."""

    def __init__(self) -> None:
        self.stands: dict[str, tuple[str, int]] = {}
        self.joined: dict[tuple[str, str], int] = {}

    def segment(self, customer: str, day: int, recency: int | None, revenue: int | None) -> str:
        known, since = self.stands.get(customer, ("", day))
        hot = recency is not None and recency <= 10
        big = revenue is not None and revenue > 100
        warm = recency is not None and recency <= 30
        if (known == "big" and day - since < 3) or (known == "warm" and day - since < 2):
            found = known
        elif hot or (known == "hot" and not (recency is not None and recency > 20)):
            found = "hot"
        elif big or (known == "big" and not (revenue is not None and revenue < 50)):
            found = "big"
        else:
            found = "warm" if warm else "cold"
        if found != known:
            self.stands[customer] = (found, day)
        return found

    def audiences(
        self, customer: str, day: int, recency: int | None, revenue: int | None, crm: bool
    ) -> list[str]:
        buyers = recency is not None and recency <= 10
        if (customer, "buyers") in self.joined:
            buyers = buyers or not (recency is not None and recency > 20)
        spenders = revenue is not None and revenue > 100
        since = self.joined.get((customer, "spenders"))
        spenders = spenders or (since is not None and day - since < 2)
        found = {"buyers": buyers and not crm, "spenders": spenders}
        for name, held in found.items():
            if held:
                self.joined.setdefault((customer, name), day)
            else:
                self.joined.pop((customer, name), None)
        return [name for name, held in found.items() if held]


@pytest.mark.parametrize("seed", seeds(3, 12))
def test_hysteresis_and_dwell_equal_an_oracle_over_random_days(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    con, oracle = empty_population(), Oracle()
    segmentations = list(definitions(tmp_path, x=FLAPPING, y=WARM).checked())
    number = 0
    for _ in range(14):
        number += rng.choice([1, 1, 2])
        day = D + timedelta(days=number)
        customers = {
            f"c{i}": (rng.choice([None, 5, 15, 25, 40]), rng.choice([None, 20, 70, 200]), rng.random() < 0.2)
            for i in range(12)
        }
        fill(
            con,
            day,
            {
                name: {"recency_days": recency, "revenue_365d": revenue, "in_crm": crm}
                for name, (recency, revenue, crm) in customers.items()
            },
        )
        assign(DuckDB(con), day, segmentations)
        history.record(con, day, segmentations, "run")
        found = con.execute(
            "select entity_id, segmentation_id, segment_id from segments.assignment where as_of_date = ?",
            [day],
        ).fetchall()
        expected = set()
        for name, (recency, revenue, crm) in customers.items():
            expected.add((name, "x", oracle.segment(name, number, recency, revenue)))
            expected |= {(name, "y", one) for one in oracle.audiences(name, number, recency, revenue, crm)}
        assert set(found) == expected, day


GROUPS = """
segmentation: g
name: G
kind: audiences
{limit}audiences:
  - {{id: a, name: A, when: recency_days < 10, exclude: "in_segment('g.c')"}}
  - {{id: b, name: B, when: revenue_365d > 0, priority: 5}}
  - {{id: c, name: C, when: in_crm}}
  - {{id: d, name: D, when: recency_days < 100, priority: 5}}
"""


def test_audiences_overlap_exclude_each_other_and_are_limited_by_priority(tmp_path: Path) -> None:
    con = empty_population()
    fill(
        con,
        D,
        {
            "all": {"recency_days": 1, "revenue_365d": 5, "in_crm": True},
            "not_c": {"recency_days": 1, "revenue_365d": 5, "in_crm": None},
            "nobody": {},
        },
    )
    free = assigned(con, definitions(tmp_path, g=GROUPS.format(limit="")))
    assert {name: row["g"] for name, row in free.items()} == {
        "all": ["b", "c", "d"], "not_c": ["a", "b", "d"], "nobody": [],
    }  # fmt: skip
    limited = assigned(con, definitions(tmp_path, g=GROUPS.format(limit="at_most: 2\n")))
    assert {name: row["g"] for name, row in limited.items()} == {
        "all": ["b", "d"], "not_c": ["b", "d"], "nobody": [],
    }  # fmt: skip
    assign(DuckDB(con), D, definitions(tmp_path, g=GROUPS.format(limit="")).checked())
    rows = con.execute("select entity_id, segment_id from segments.assignment order by all").fetchall()
    assert rows == [("all", "b"), ("all", "c"), ("all", "d"), ("not_c", "a"), ("not_c", "b"), ("not_c", "d")]


STAGE = """
segmentation: stage
name: Stage
kind: rules
segments: [{id: new, name: New, when: recency_days < 10}]
otherwise: {id: old, name: Old}
"""
COMBINED = """
segmentation: both
name: Both
kind: combination
of: [stage, t]
"""


def test_every_combination_is_a_segment_named_by_both(tmp_path: Path) -> None:
    con = empty_population()
    fill(con, D, {"a": {"recency_days": 1, "revenue_365d": 9}, "b": {"recency_days": 50}})
    tiers = TIERS.format(by="revenue_365d")
    found = definitions(tmp_path, both=COMBINED + "names: {new__top: Stars}", stage=STAGE, t=tiers)
    assert {name: row["both"] for name, row in assigned(con, found).items()} == {
        "a": "new__top", "b": "old__none",
    }  # fmt: skip
    both = next(one for one in found.segmentations if one.id == "both")
    labels = {label["segment_id"]: label["segment_name"] for label in both.labels()}
    assert len(labels) == 10
    assert labels["new__top"] == "Stars"
    assert labels["old__none"] == "Old × None"
    assert both.uses == {"stage", "t"}
    assert [one.id for one in found.segmentations].index("both") == 2


def test_groups_take_combinations_and_leave_the_rest_to_otherwise(tmp_path: Path) -> None:
    con = empty_population()
    fill(con, D, {"a": {"recency_days": 1, "revenue_365d": 9}, "b": {"recency_days": 50}, "c": {}})
    groups = COMBINED + (
        "groups:\n  - {id: best, name: Best, of: [[new, top], [new, high]]}\n"
        "  - {id: gone, name: Gone, of: [[old, '*']]}\n"
    )
    tiers = TIERS.format(by="revenue_365d")
    alone = definitions(tmp_path, both=groups, stage=STAGE, t=tiers)
    assert [one["segment_id"] for one in alone.segmentations[2].labels()] == [
        "best", "gone", "new__mid", "new__low", "new__none",
    ]  # fmt: skip
    rest = groups + "otherwise: {id: rest, name: Rest}"
    found = definitions(tmp_path, both=rest, stage=STAGE, t=tiers)
    assert [one["segment_id"] for one in found.segmentations[2].labels()] == ["best", "gone", "rest"]
    assert {name: row["both"] for name, row in assigned(con, found).items()} == {
        "a": "best", "b": "gone", "c": "gone",
    }  # fmt: skip


LISTED = """
segmentation: lists
name: Lists
kind: lists
segments:
  - {id: gold, name: Gold, file: lists/gold.csv}
  - {id: fair, name: Fair, file: fair.csv, column: Kunde}
"""


def listed(root: Path, gold: str = "customer_id\na\na\nnobody\n") -> None:
    (root / "lists").mkdir(exist_ok=True)
    (root / "lists" / "gold.csv").write_text(gold, encoding="utf-8")
    (root / "fair.csv").write_bytes("\ufeffNr;Kunde\r\n1; a \r\n2;b\r\n3;\r\n".encode())


def test_lists_are_segments_and_unknown_ids_are_counted_not_told(tmp_path: Path) -> None:
    con = empty_population()
    fill(con, D, {"a": {}, "b": {}, "c": {}})
    listed(tmp_path)
    found = definitions(tmp_path, lists=LISTED)
    assert {name: row["lists"] for name, row in assigned(con, found).items()} == {
        "a": ["gold", "fair"], "b": ["fair"], "c": [],
    }  # fmt: skip
    remarks = found.plan().prepare(DuckDB(con), D)
    assert remarks == ["lists.gold: 1 of 2 listed ids are no customer on 2024-06-30"]


def test_a_list_that_changes_changes_the_version_and_its_order_does_not(tmp_path: Path) -> None:
    con = empty_population()
    fill(con, D, {"a": {}, "b": {}})
    listed(tmp_path)
    first = definitions(tmp_path, lists=LISTED).segmentations[0].version
    listed(tmp_path, "customer_id\nnobody\na\n")
    assert definitions(tmp_path, lists=LISTED).segmentations[0].version == first
    listed(tmp_path, "customer_id\nb\n")
    found = definitions(tmp_path, lists=LISTED)
    assert found.segmentations[0].version != first
    assert assigned(con, found)["b"]["lists"] == ["gold", "fair"]


@pytest.mark.parametrize(
    ("content", "file", "said"),
    [
        ("customer_id\n", "lists/gold.csv", "names nobody"),
        ("", "lists/gold.csv", "has no column customer_id; `column` names another"),
        ("a\nb\n", "lists/gold.csv", "has no column customer_id"),
        ("customer_id\n\x00a\n", "lists/none.csv", "no such file"),
        ("customer_id\na\n", "../outside.csv", "leads out of the project's folder"),
        ("customer_id\na\n", "/etc/passwd", "leads out of the project's folder"),
        ("customer_id\na\n", "lists/link.csv", "leads out of the project's folder"),
        ("customer_id\na\n", "lists", "cannot be read"),
        ('customer_id\n"a\n', "lists/gold.csv", "is not a CSV file"),
    ],
)
def test_a_list_that_cannot_be_used_is_a_fault_of_its_file(
    tmp_path: Path, content: str, file: str, said: str
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "outside.csv").write_text("customer_id\nsecret\n")
    listed(root, content)
    (root / "lists" / "link.csv").symlink_to(tmp_path / "outside.csv")
    found = definitions(root, lists=LISTED.replace("lists/gold.csv", file))
    message = str(found.faults["lists"])
    assert "segments.0.file" in message
    assert said in message
    assert "secret" not in message
    with pytest.raises(ConfigError):
        found.checked()
