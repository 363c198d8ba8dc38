"""Assets adapt and do nothing else: a body fits on half a screen; the work stands in pipelines/refresh."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ASSETS = Path(__file__).parents[2] / "assets"
LONGEST = 20


def bodies() -> Iterator[tuple[str, int]]:
    """Every function that Dagster runs as an asset, and how many lines its body has."""
    for path in sorted(ASSETS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(map(is_asset, node.decorator_list)):
                last = node.end_lineno or node.body[-1].lineno
                yield f"{path.name}:{node.name}", last - node.body[0].lineno + 1


def is_asset(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called) in ("dg.asset", "dg.multi_asset", "dg.asset_check", "dg.graph_asset")


def test_no_asset_has_a_body_of_more_than_twenty_lines() -> None:
    lines = dict(bodies())
    assert len(lines) >= 10
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}
