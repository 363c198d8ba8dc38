"""SQL as text and as a tree: parsed once, when the tree is first asked for.

DuckDB is given the text as it was written. The tree says what the text reads and binds, and is what an edit
works on (`edit.py`); it is shared, so whoever changes it copies it first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.dialects import DuckDB
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token, TokenType

DIALECT = "duckdb"


@dataclass(frozen=True)
class Statement:
    """A SELECT, or an expression, as text; equal texts share one tree."""

    sql: str

    @property
    def tree(self) -> exp.Expr:
        """The parsed text; copy it before you change it."""
        return parse(self.sql)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The relations `schema.table` that it reads, in the order of their names."""
        return tuple(
            sorted({name for table in self.tree.find_all(exp.Table) if (name := relation_of(table))})
        )

    @cached_property
    def fragments(self) -> tuple[str, ...]:
        """The relations without a schema that it reads and does not define: SELECTs its reader adds."""
        own = {cte.alias for cte in self.tree.find_all(exp.CTE)}
        read = {table.name for table in self.tree.find_all(exp.Table) if not table.db and table.name}
        return tuple(sorted(read - own))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of its result; `*` among them where it takes all of a relation."""
        return tuple(self.tree.named_selects) if isinstance(self.tree, exp.Query) else ("*",)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every identifier in it, in lower case: a column that is not among them is not read by name."""
        return frozenset(found.name.lower() for found in self.tree.find_all(exp.Identifier))

    @property
    def parameters(self) -> frozenset[str]:
        """The names it binds, without their `$`."""
        return parameters_in(self.sql)


@contextmanager
def _faults_of_the_compiled_parser() -> Iterator[None]:
    """Where a part is missing it says TypeError, for what the interpreted one has an error of its own."""
    try:
        yield
    except TypeError:
        raise ParseError("something is missing") from None


def statements(sql: str) -> list[exp.Expr]:
    """The trees of a text that anybody may have written, one a statement.

    Raises
    ------
    SqlglotError
        The text is no SQL of DuckDB's.
    """
    with _faults_of_the_compiled_parser():
        return [tree for tree in sqlglot.parse(sql, dialect=DIALECT) if tree is not None]


@lru_cache(maxsize=1024)
def parse(sql: str) -> exp.Expr:
    """The tree of a text of one statement or expression.

    Raises
    ------
    ParseError
        The text is no SQL of DuckDB's, or more than one statement.
    """
    with _faults_of_the_compiled_parser():
        return sqlglot.parse_one(sql, dialect=DIALECT)


def relation_of(table: exp.Table) -> str | None:
    """`schema.table` of a relation in lower case; None of one without a schema and of a function."""
    return f"{table.db}.{table.name}".lower() if table.db and table.name else None


def tokens(sql: str) -> list[Token]:
    """The tokens of a text: names, strings and comments told apart, each with its place."""
    found: list[Token] = DuckDB().tokenize(sql)
    return found


@lru_cache(maxsize=1024)
def parameters_in(sql: str) -> frozenset[str]:
    """The names that a text binds as `$name`; what stands in strings, quoted names and comments is none."""
    return frozenset(
        following.text
        for sign, following in pairwise(tokens(sql))
        if sign.token_type == TokenType.PARAMETER
        and following.start == sign.end + 1
        and following.text.isidentifier()
    )


def without_end(sql: str) -> str:
    """A statement without its semicolon and what remarks follow it: it can stand in parentheses."""
    found = [token for token in tokens(sql) if token.token_type != TokenType.SEMICOLON]
    return sql[found[0].start : found[-1].end + 1] if found else ""
