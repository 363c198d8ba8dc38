"""Orders that wait for a rate, and where they stand: what an operator asks for when revenue is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.engine import relation_exists, rows

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
    return rows(
        con,
        """
        select h.source, h.reason, o.business_date, o.currency, o.country, f.path as file,
            o._row as row_number
        from money.held_order as h
        join core.orders as o on o.order_id = h.order_id
        left join ingest.file as f on f.file_id = o._file_id
        where ($source is null or h.source = $source) and ($reason is null or h.reason = $reason)
        order by o.business_date, file, row_number limit $limit
        """,
        {"source": source, "reason": reason, "limit": limit},
    )
