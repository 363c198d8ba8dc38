"""Orders that wait for a rate, and where they stand: what an operator asks for when revenue is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.engine import load_query, relation_exists, rows

if TYPE_CHECKING:
    import duckdb


def waiting_orders(
    con: duckdb.DuckDBPyConnection, source: str | None = None, reason: str | None = None, limit: int = 20
) -> list[dict[str, Any]]:
    """The orders, oldest first, with file, row and what they lack; no customer and no amount.

    `reason` is `no_currency_rate` or `no_vat_rate`; None is both.

    Parameters
    ----------
    reason : only orders that wait for this reason; None for all.
    limit : how many at most.
    """
    if not relation_exists(con, "money.held_order"):
        return []
    query = load_query("core/money/queries/waiting_order")
    return rows(con, query.sql, {"source": source, "reason": reason, "limit": limit})
