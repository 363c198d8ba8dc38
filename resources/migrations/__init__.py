"""Numbered migrations of what is stored: one `.sql` file each, applied once, in order, forward only.

Belongs here: reading the files and checking their numbers. Who applies them: `resources/warehouse.py` for the
DuckDB file, `resources/control_schema.py` for the log of runs. The schema version of a store is the number of
the last migration that it has had. A file that has been released is never edited; a change is a new file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True)
class Migration:
    """One step forward: `version` is the schema version that it leads to."""

    version: int
    name: str
    sql: str


@cache
def migrations_of(store: str) -> tuple[Migration, ...]:
    """The migrations of a store, `warehouse` or `control`, in order.

    Raises
    ------
    ValueError
        When a file is not named `NNNN_what_changes.sql`, or a number is missing or used twice.
    """
    return migrations_in(HERE / store)


def migrations_in(folder: Path) -> tuple[Migration, ...]:
    """The migrations of a folder, in order; see `migrations_of`.

    Raises
    ------
    ValueError
        When a name does not fit, or a number is missing or used twice.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        name = _NAME.fullmatch(path.name)
        if name is None:
            raise ValueError(f"{path}: expected a name like 0002_what_changes.sql")
        found.append(Migration(int(name[1]), path.stem, path.read_text(encoding="utf-8")))
    numbers = [migration.version for migration in found]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"{folder}: expected the numbers 1 to {len(numbers)}, once each, found {numbers}")
    return tuple(found)
