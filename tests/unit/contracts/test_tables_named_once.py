"""What canonical tables mean is said in their contracts: no list of them stands anywhere else.

A list kept by hand beside the contracts is what a new table is forgotten in. Nor does anything else say which
facts count, or since when a row was known.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.contracts.registry import CONTRACTS, FACTS

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("pipelines", "assets", "lohko", "resources")
# So many names of tables in one literal are a list of tables and no pair that belongs together.
MOST = 2
# Names that are no canonical tables, or say nothing of what these mean.
ELSEWHERE = {
    "pipelines/config/templates.py": "templates are named like the tables they fill, as users write them",
    "assets/publish.py": "assets in Dagster's graph, whose names hold those of tables",
}


def sources() -> list[Path]:
    contracts = ROOT / "pipelines" / "contracts"
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    exempt = {ROOT / path for path in ELSEWHERE}
    return [path for path in found if contracts not in path.parents and path not in exempt]


def named(node: ast.AST) -> set[str]:
    """The canonical tables that a tuple, list, set, dict or Literal names, also in what it unpacks."""
    if isinstance(node, ast.Dict):
        parts = [part for part in (*node.keys, *node.values) if part is not None]
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        parts = node.elts
    else:
        return set()
    found: set[str] = set()
    for part in parts:
        inner = part.value if isinstance(part, ast.Starred) else part
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            found.add(inner.value.rpartition(".")[2])
        found |= named(inner)
    return found & CONTRACTS.keys()


def lists_in(text: str) -> Iterator[tuple[int, set[str]]]:
    """Line and tables of each literal that names more than a pair."""
    for node in ast.walk(ast.parse(text)):
        tables = named(node)
        if len(tables) > MOST:
            yield node.lineno, tables  # type: ignore[attr-defined]


def test_no_list_of_tables_stands_outside_the_contracts() -> None:
    paths = sources()
    assert len(paths) > 200
    found = [
        f"{path.relative_to(ROOT)}:{line}: {', '.join(sorted(tables))}"
        for path in paths
        for line, tables in lists_in(path.read_text(encoding="utf-8"))
    ]
    assert found == [], (
        "say it in the contracts of these tables (pipelines/contracts), and read it from there"
    )


@pytest.mark.parametrize("path", ELSEWHERE)
def test_what_is_exempt_is_still_needed(path: str) -> None:
    assert [*lists_in((ROOT / path).read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    "text",
    [
        "LARGE = ('orders', 'order_lines', 'interactions')",
        "LARGE = ['core.orders', 'core.order_lines', 'money.rates']",
        "LARGE = {*('orders', 'order_lines'), *('leads',)}",
        "DAYS = {'orders': 'a', 'leads': 'b', 'feedback': 'c'}",
        "DAYS = {1: 'orders', 2: 'leads', 3: 'feedback'}",
        "Table = Literal['orders', 'leads', 'feedback']",
        "frozenset(['orders', 'leads', 'feedback'])",
    ],
)
def test_a_list_of_tables_is_found_however_it_is_written(text: str) -> None:
    assert [line for line, _ in lists_in(text)][:1] == [1]


@pytest.mark.parametrize("text", ["NEEDS = ('orders', 'order_lines')", "NEEDS = ('orders', 'a', 'b', 'c')"])
def test_a_pair_is_no_list(text: str) -> None:
    assert [*lists_in(text)] == []


COUNTED = {
    (counts.column, value)
    for counts in (fact.counts for fact in FACTS.values())
    if counts is not None
    for value in counts.values
}
KNOWN_FROM = {contract.known_from for contract in CONTRACTS.values() if contract.known_from}


def meanings_in(text: str) -> list[str]:
    """Conditions on what counts, and on what was known by a day, that are written out."""
    found = []
    for column, value in COUNTED:
        compared = rf"""\b{column}"?\s*(=|<>|!=|is (not )?distinct from|(not )?in\s*\([^)]*)\s*'{value}'"""
        found += [said[0] for said in re.finditer(compared, text, re.IGNORECASE)]
    for column in KNOWN_FROM:
        found += [said[0] for said in re.finditer(rf'\b{column}"?\s+is\s+null\s+or\b', text, re.IGNORECASE)]
    return found


def test_what_counts_and_what_was_known_is_said_in_the_contracts_alone() -> None:
    assert COUNTED and KNOWN_FROM
    paths = [*sources(), *sorted((ROOT / "pipelines").rglob("*.sql"))]
    found = {
        str(path.relative_to(ROOT)): said
        for path in paths
        if (said := meanings_in(path.read_text(encoding="utf-8")))
    }
    assert found == {}, "fill a slot with `counted` or `known` of pipelines/core/facts"


@pytest.mark.parametrize(
    "text",
    [
        "where o.status = 'completed'",
        "count(*) filter (where status <> 'completed')",
        "o.\"status\" in ('returned', 'completed')",
        "where c.created_on is null or c.created_on <= $as_of",
    ],
)
def test_a_meaning_is_found_however_it_is_written(text: str) -> None:
    assert len(meanings_in(text)) == 1


@pytest.mark.parametrize("text", ["where o.status = 'returned'", "min(created_on)", "'completed' as label"])
def test_other_conditions_are_no_meaning(text: str) -> None:
    assert meanings_in(text) == []
