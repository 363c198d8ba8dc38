"""Pulls: what a database or an HTTP interface gave, one Parquet file each, that carries its own cursor.

How far a source has been read is written into the file itself, so that rows and cursor land in one rename: a
process killed at any moment has either both or none, and reads the same rows again. See
docs/decisions/0014-rows-and-cursor-land-together.md.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.engine import connect
from pipelines.errors import SourceError

KEY = "lohko_cursor"
_PULL = re.compile(r"^pull-(\d{6})\.parquet$")


@dataclass(frozen=True)
class Pulls:
    """The pulls of one source.

    Parameters
    ----------
    folder : where they land.
    name : the source.
    of : what is read, as far as its cursor depends on it; a source that reads something else starts anew.
    incremental : whether each pull adds a file, or replaces the one before.
    """

    folder: Path
    name: str
    of: str
    incremental: bool

    @property
    def cursor(self) -> str | None:
        """The largest value read so far, as the connector wrote it; None before the first pull."""
        if not self.incremental or not (last := self._last()):
            return None
        written: dict[str, Any] = json.loads(_metadata(last, self.name) or "{}")
        value = written.get("cursor")
        return str(value) if value is not None and written.get("of") == self.of else None

    def note(self, cursor: str | None) -> str:
        """What a file is to carry under `KEY`."""
        return json.dumps({"of": self.of, "cursor": cursor})

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """A file to write; landed whole when the body ends, and not at all when it raises.

        A body that writes no file had no rows. A pull brings nothing new when it equals the one before; an
        incremental one also when each of its rows stands in the one before, as those at the cursor do.

        Raises
        ------
        SourceError
            When there were no rows at all, now or before.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / ".pull.tmp"
        temporary.unlink(missing_ok=True)
        try:
            yield temporary
            if not temporary.exists():
                self._nothing()
                return
            last = self._last()
            if last is not None and self._brings_nothing(last, temporary):
                return
            _to_disk(temporary)
            temporary.replace(self._next(last))
        finally:
            temporary.unlink(missing_ok=True)

    def _brings_nothing(self, last: Path, pull: Path) -> bool:
        if filecmp.cmp(last, pull, shallow=False):
            return True
        # Another note is another cursor, or one for something else that is read.
        same = self.incremental and _metadata(last, self.name) == _metadata(pull, self.name)
        return same and _is_within(pull, last, self.name)

    def _nothing(self) -> None:
        if not self.incremental or self._last() is None:
            raise SourceError(f"sources.{self.name}: there were no rows; expected at least one")

    def _last(self) -> Path | None:
        if not self.incremental:
            full = self.folder / "full.parquet"
            return full if full.exists() else None
        return max(
            (path for path in self.folder.glob("pull-*.parquet") if _PULL.match(path.name)), default=None
        )

    def _next(self, last: Path | None) -> Path:
        if not self.incremental:
            return self.folder / "full.parquet"
        match = _PULL.match(last.name) if last else None
        return self.folder / f"pull-{int(match[1]) + 1 if match else 1:06d}.parquet"


def fingerprint(*parts: object) -> str:
    """A short text that changes when any part does."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _metadata(path: Path, name: str) -> str | None:
    select = "select decode(value) from parquet_kv_metadata($path) where decode(key) = $key"
    found = _read(select, {"path": path, "key": KEY}, name, path)
    return str(found[0][0]) if found else None


def _is_within(pull: Path, last: Path, name: str) -> bool:
    """Whether two pulls have the same columns, and the later one no row that the earlier one lacks."""
    one, other = (
        _read("describe from read_parquet($path)", {"path": path}, name, path) for path in (pull, last)
    )
    if one != other:
        return False
    select = "from read_parquet($pull) except all from read_parquet($last) limit 1"
    return not _read(select, {"pull": pull, "last": last}, name, last)


def _read(select: str, parameters: dict[str, object], name: str, path: Path) -> list[tuple[Any, ...]]:
    import duckdb

    try:
        with connect() as con:
            return con.execute(select, {key: str(value) for key, value in parameters.items()}).fetchall()
    except duckdb.Error:
        raise SourceError(
            f"sources.{name}: {path} cannot be read; remove it, and its rows are read again"
        ) from None


def _to_disk(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
