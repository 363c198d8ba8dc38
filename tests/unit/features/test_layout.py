"""How a `.sql` file is laid out means nothing: newlines, comments and sqlglot's own layout change no result.

The SQL was once cut to some customers and days by the shape of its lines. The `on` of one join on a line of
its own put nearly everyone into "never bought".
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlglot
from sqlglot.tokenizer_core import TokenType

from pipelines.engine import Statement
from pipelines.engine.files import ROOT, read_file, sql_files
from pipelines.engine.statement import tokens

FILES = sql_files()
REMARK = "-- from money.orders join features.day_scope as s on $first; 'core.customers'"


def one_token_a_line(sql: str) -> str:
    """Every token on a line of its own, and a remark after it; a parameter stays whole."""
    lines = [""]
    for token in tokens(sql):
        lines[-1] += sql[token.start : token.end + 1]
        if token.token_type != TokenType.PARAMETER:
            lines.append("")
    return f" {REMARK}\n".join(lines)


def pretty(sql: str) -> str:
    """As sqlglot writes it: other words for some functions and types, brackets where it wants them."""
    return sqlglot.parse_one(sql, dialect="duckdb").sql(dialect="duckdb", pretty=True)


LAYOUTS: dict[str, Callable[[str], str]] = {"one token a line": one_token_a_line, "pretty": pretty}


def laid_out(path: Path, layout: Callable[[str], str]) -> str:
    """The text of a file with its header as it is and its SELECT laid out otherwise."""
    text = path.read_text(encoding="utf-8")
    head = "".join(line for line in text.splitlines(keepends=True)[: _header_lines(text)])
    return f"{head}{layout(read_file(path)[1])}\n;\n-- the end"


def _header_lines(text: str) -> int:
    return next(i for i, line in enumerate(text.splitlines()) if not line.startswith("--"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_line_a_token_is_the_same_statement(path: Path) -> None:
    sql = read_file(path)[1]
    written, other = Statement(sql), Statement(one_token_a_line(sql))
    assert other.sql.count("\n") > len(sql.split())
    for what in ("inputs", "fragments", "parameters", "columns", "names"):
        assert getattr(other, what) == getattr(written, what)
    assert other.tree == written.tree


@pytest.fixture(scope="module")
def as_written() -> str:
    return run(ROOT.parent)


def run(root: Path) -> str:
    """The history of `laid_out.py` by the `pipelines` below a folder."""
    path = os.pathsep.join((str(root), str(Path(__file__).parent), str(Path(__file__).parents[2])))
    environment = os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "0"}
    script = Path(__file__).with_name("laid_out.py")
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("layout", LAYOUTS)
def test_however_the_files_are_laid_out_the_features_are_the_same(
    layout: str, as_written: str, tmp_path: Path
) -> None:
    shutil.copytree(ROOT, tmp_path / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    for path in FILES:
        copy = tmp_path / "pipelines" / path.relative_to(ROOT)
        copy.write_text(laid_out(path, LAYOUTS[layout]), encoding="utf-8")
    assert len(as_written.splitlines()) > 300
    assert run(tmp_path) == as_written
