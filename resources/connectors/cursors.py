"""Cursors: how far a source has been read, and where to begin again."""

from __future__ import annotations

from datetime import UTC, datetime

from pipelines.config.connectors import HttpCursor, duration

_SECONDS = {"seconds": 1, "milliseconds": 1000}


def begin(cursor: HttpCursor, last: str | None) -> str | None:
    """The value to ask for: the last one less the lookback, or the configured start.

    Times keep the zone they were written with; their order is that of the instants.
    """
    if last is None:
        return None if cursor.start is None else str(cursor.start)
    if not cursor.lookback:
        return last
    if cursor.type == "number":
        return str(int(last) - int(cursor.lookback))
    back = duration(str(cursor.lookback))
    if cursor.type == "timestamp":
        return (_instant(last) - back).isoformat()
    return str(int(last) - int(back.total_seconds()) * _SECONDS[cursor.type])


def later(cursor: HttpCursor, one: str | None, other: str) -> str:
    """The larger of two values.

    Raises
    ------
    ValueError
        When a value is not of the cursor's type.
    """
    if one is None:
        _order(cursor, other)
        return other
    return max(one, other, key=lambda value: _order(cursor, value))


def _order(cursor: HttpCursor, value: str) -> float:
    return _instant(value).timestamp() if cursor.type == "timestamp" else int(value)


def _instant(value: str) -> datetime:
    """A time without zone is taken as UTC."""
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
