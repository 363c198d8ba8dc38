"""What every test may use: shops to run the command on, and an environment without a person's settings."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fixtures.shop import Shelf, Shop

# As the command does (lohko/cli.py): Python would go through a million objects of imported modules again and
# again.
gc.set_threshold(100_000, 50, 100)

pytest_plugins = ["fixtures.no_skips", "fixtures.ear", "fixtures.seeds"]

# COLUMNS too: a worker has one, and it says how wide tables are.
for _name in [name for name in os.environ if name.startswith(("LOHKO_", "DAGSTER_")) or name == "COLUMNS"]:
    del os.environ[_name]
# Rows of a small shop are too few to share: DuckDB's second thread takes an eighth more of a run's time.
os.environ["LOHKO_THREADS"] = "1"


@pytest.fixture(scope="session")
def shelf() -> Iterator[Shelf]:
    """Where shops are kept between tests."""
    # Imported here: the unit tests need neither Dagster nor the command.
    from fixtures.shop import Shelf

    # In memory where there is such a place: a run flushes some thousand times.
    memory = Path("/dev/shm")  # noqa: S108
    with TemporaryDirectory(prefix="lohko-shops-", dir=memory if memory.is_dir() else None) as folder:
        yield Shelf(Path(folder))


@pytest.fixture
def new_shop(shelf: Shelf) -> Shop:
    """A shop that has never run."""
    return shelf.new()


@pytest.fixture
def shop(shelf: Shelf) -> Shop:
    """A shop that has run once, on 2026-03-29; the latest day that can be run is 2026-03-30."""
    return shelf.ran()
