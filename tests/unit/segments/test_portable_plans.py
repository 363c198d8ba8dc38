"""What definitions of every kind become is written in the subset that DuckDB and Spark answer alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlglot
from portable import faults
from shop import Shop
from sqlglot.errors import ErrorLevel

from pipelines.features.catalogue import Feature
from pipelines.segments import assignment, cuts, standing
from pipelines.segments.definitions import ENTITIES, Definitions, load_definitions
from pipelines.segments.select import bindings

D = date(2024, 6, 30)
ACCOUNT = [Feature("employees", "firmographic", "persons", "BIGINT", "How many people it employs")]
DEFINITIONS = {
    "phase": """
kind: rules
segments:
  - {id: new, name: New, when: recency_days <= 10 and orders_365d = 1, exit: recency_days > 40}
  - {id: wine, name: Wine, when: "did(orders, where: category = 'WINE', within: 90d)", dwell_days: 9}
  - {id: ever, name: Ever, when: "did_not(orders, within: 8w) and did(campaign_contacts)"}
  - {id: best, name: Best, when: "score('rfm.r') >= 4 and days_since(last_purchase_date) < 9"}
otherwise: {id: rest, name: Rest}
""",
    "rfm": """
kind: scores
population: "orders_365d > 0 and did(orders, within: 365d)"
scores:
  r: {feature: recency_days, better: low}
  f: {feature: orders_365d, better: high, bins: 3}
  m: {feature: revenue_365d, better: high, cuts: [10, 100.5]}
segments: [{id: top, name: Top, when: r + f + m > 9}]
otherwise: {id: some, name: Some}
outside: {id: none, name: None}
""",
    "share": """
kind: tiers
by: revenue_365d
tiers: [{id: a, name: A, until: 0.5}, {id: b, name: B, until: 0.8}, {id: c, name: C, until: 1}]
otherwise: {id: none, name: None}
""",
    "groups": """
kind: audiences
at_most: 1
audiences:
  - {id: x, name: X, when: orders_365d > 1, exit: orders_365d = 0, dwell_days: 3, priority: 2}
  - {id: y, name: Y, when: "in_segment('phase.new')", exclude: "in_segment('groups.x')"}
""",
    "both": """
kind: combination
of: [phase, share]
groups: [{id: core, name: Core, of: [[best, a], [wine, "*"]]}]
otherwise: {id: rest, name: Rest}
""",
    "listed": """
kind: lists
segments: [{id: l, name: L, file: l.csv}, {id: m, name: M, file: m.csv}]
""",
    "company": """
kind: rules
entity: account
segments:
  - {id: large, name: Large, when: "employees > 99 and did(opportunities, within: 365d)"}
  - {id: all, name: All, when: "all_members(where: in_segment('rfm.top'))", exit: employees = 0}
  - {id: few, name: Few, when: "members(where: recency_days < 9, at_least: 2, at_most: 5)"}
  - {id: no, name: No, when: "no_member(contacts, where: role = 'CEO')"}
otherwise: {id: rest, name: Rest}
""",
}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    folder: Path = tmp_path_factory.mktemp("project") / "segments"
    folder.mkdir()
    for name in ("l", "m"):
        (folder.parent / f"{name}.csv").write_text("customer_id\nann\n")
    for name, text in DEFINITIONS.items():
        (folder / f"{name}.yaml").write_text(f"segmentation: {name}\nname: {name}{text}")
    catalogues = {"customer": Shop(account_id="varchar").catalogue(), "account": ACCOUNT}
    found = load_definitions(folder, catalogues)
    found.checked()
    return found


def statements(definitions: Definitions) -> Iterator[tuple[str, str]]:
    """Every statement of the size of the history that evaluates these definitions, with a name."""
    for entity in ENTITIES:
        yield f"segments of every {entity}", definitions.plan(entity).sql
    for one in definitions.segmentations:
        plan = definitions.plan(one.entity, {one.id})
        yield f"{one.id} alone", plan.sql
        yield f"conditions of {one.id}", plan.inspect(one).sql
        yield f"members of {one.id}", assignment.places("evaluated", one)
        for cut in one.compiled.cuts:
            yield f"cut points of {one.id}.{cut.name}", cuts.points(one.entity, cut)
    yield "who stood where", standing._before("true", "$day")


def test_what_definitions_become_uses_nothing_that_spark_answers_differently(
    definitions: Definitions,
) -> None:
    found = dict(statements(definitions))
    assert len(found) > 25
    for name, sql in found.items():
        assert (name, faults(sql)) == (name, [])
        assert sqlglot.parse_one(sql, dialect="duckdb").sql("spark", unsupported_level=ErrorLevel.RAISE)


def test_days_are_bound_and_never_written(definitions: Definitions) -> None:
    """One text a definition, whatever the day: engines keep what they made of it."""
    for name, sql in statements(definitions):
        assert "date '" not in sql.lower(), name
    sql = definitions.plan("customer", {"phase"}).sql
    assert bindings(sql, D) == {
        "as_of": D,
        "from_56": date(2024, 5, 6),
        "from_90": date(2024, 4, 2),
        "from_365": date(2023, 7, 2),
    }
