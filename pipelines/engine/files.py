"""The `.sql` files: steps, fragments and queries, each read once.

    load_step("features/customer_day")          # a SELECT and how it is stored
    load_fragment("features/families/purchase")  # a part of a step's SELECT
    load_query("core/money/queries/waiting_order")  # asked; its caller says what becomes of the rows

A name is relative to `pipelines/` and has no suffix; a `Path` is a file anywhere else
(`Path(__file__).with_name("found.sql")`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pipelines.engine.header import Header, parse_header
from pipelines.engine.slots import Slot, fill
from pipelines.engine.statement import Statement, without_end

ROOT = Path(__file__).parents[1]


class _Slotted(Statement):
    """A SELECT that may have slots."""

    def filled(self, **slots: Slot) -> str:
        """The text with its slots filled (`slots.fill`)."""
        return fill(self.sql, slots)


@dataclass(frozen=True)
class Step(_Slotted):
    """A SELECT and how its result is stored."""

    table: str
    store: str
    key: tuple[str, ...]
    description: str

    @property
    def schema(self) -> str:
        return self.table.split(".")[0]

    def with_slots(self, **slots: Slot) -> Step:
        """The step with its slots filled (`slots.fill`)."""
        return replace(self, sql=self.filled(**slots))


@dataclass(frozen=True)
class Fragment(_Slotted):
    """A part of the SELECT that fills `table`: what a row of it is says `description`."""

    table: str
    key: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class Query(_Slotted):
    """A SELECT that is asked, its caller says what becomes of the rows; its slots are filled with names."""

    description: str


def load_step(name: str | Path) -> Step:
    """The step in a file; raises ValueError where the file is of another kind."""
    header, sql = _of_kind(name, "step")
    return Step(sql, header.table, header.store, header.key, header.description)


def load_fragment(name: str | Path) -> Fragment:
    """The fragment in a file; raises ValueError where the file is of another kind."""
    header, sql = _of_kind(name, "fragment")
    return Fragment(sql, header.table, header.key, header.description)


def load_query(name: str | Path) -> Query:
    """The query in a file; raises ValueError where the file is of another kind."""
    header, sql = _of_kind(name, "query")
    return Query(sql, header.description)


def parse_step(text: str, where: str) -> Step:
    """The step that a text is.

    Raises
    ------
    ValueError
        When the text is of another kind, such as a fragment.
    """
    header, sql = parse_file(text, where)
    if header.kind != "step":
        raise ValueError(f"{where}: a {header.kind} is no step: it cannot be run alone")
    return Step(sql, header.table, header.store, header.key, header.description)


def parse_file(text: str, where: str) -> tuple[Header, str]:
    """The header of a file's text, and its SELECT without closing semicolon and remarks."""
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    header = parse_header([line[2:].strip() for line in lines[:end]], where)
    return header, without_end("\n".join(lines[end:]))


@cache
def read_file(path: Path) -> tuple[Header, str]:
    """Header and SELECT of the file at a path."""
    where = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
    return parse_file(path.read_text(encoding="utf-8"), where)


def sql_files() -> list[Path]:
    """Every `.sql` file below `pipelines/`."""
    return sorted(ROOT.rglob("*.sql"))


@cache
def tables_read() -> frozenset[str]:
    """Every relation that some step reads.

    Fragments of features are no steps: they run only where their tables are mapped.
    """
    steps = (read_file(path) for path in sql_files())
    return frozenset(
        table for header, sql in steps if header.kind == "step" for table in Statement(sql).inputs
    )


def _of_kind(name: str | Path, kind: str) -> tuple[Header, str]:
    path = name if isinstance(name, Path) else ROOT / f"{name}.sql"
    header, sql = read_file(path)
    if header.kind != kind:
        raise ValueError(f"{path.name}: a {header.kind}, where a {kind} is expected")
    return header, sql
