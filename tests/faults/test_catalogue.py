"""The catalogue of planted faults stays true while code moves; `make test-faults` plants them."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from .catalogue import FAULTS
from .fault import Fault
from .planting import Copy

ROOT = Path(__file__).parents[2]
each = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


def test_there_are_thirty_and_each_has_a_name_of_its_own() -> None:
    assert len(FAULTS) >= 30
    assert max(Counter(fault.name for fault in FAULTS).values()) == 1


@each
def test_its_text_stands_once_and_would_change(fault: Fault) -> None:
    text = (ROOT / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.old) == 1, f"{fault.file} was changed: plant {fault.name} where its code is now"
    assert fault.old != fault.new
    if fault.file.endswith(".py"):
        ast.parse(text.replace(fault.old, fault.new))


@each
def test_the_tests_that_must_catch_it_exist(fault: Fault) -> None:
    assert fault.tests
    for test in fault.tests:
        path, _, name = test.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        named = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name.partition("[")[0] in named, f"{test} is gone: name the test that catches {fault.name} now"


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A tree of one module and its tests, as git would copy it."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "shop.py").write_text("def total(a, b):\n    return a + b\n")
    (tree / "test_shop.py").write_text(
        "from shop import total\n\n\n"
        "def test_sums():\n    assert total(1, 2) == 3\n\n\n"
        "def test_wrong():\n    assert total(1, 1) == 3\n"
    )
    made = Copy.__new__(Copy)
    made.folder, made._sound, made._edits = tree, set(), 0
    return made


def verdict(copy: Copy, new: str, test: str) -> str:
    return copy.plant(Fault("f", "r", "shop.py", "a + b", new, (f"test_shop.py::{test}",))).word


def test_a_fault_is_caught_only_by_a_test_that_ran_passed_before_and_failed_then(copy: Copy) -> None:
    assert verdict(copy, "a - b", "test_sums") == "CAUGHT"
    assert verdict(copy, "b + a", "test_sums") == "NOT CAUGHT"
    assert verdict(copy, "a - c", "test_sums") == "BROKEN"
    assert verdict(copy, "a - b", "test_wrong") == "BROKEN"
