"""Some customers alone: the same SELECT over relations that were cut down to their rows.

A family is written for everyone. Of few customers it is computed from what is theirs: each relation is gone
through once, however many families read it, and of its columns only those that are named anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from pipelines.engine import Engine, Statement, qualified, quote, reading

SCOPE = "features.scope"
# Rows of these are a customer's by their order.
_BY_ORDER = "money.orders"
# Of a merged id whom it counts for. A contact may be the customer of the same id, and have been merged.
_MERGED = "core.customer_id_map"
_ALL_IDS = (
    f"(select customer_id from {SCOPE} union all select i.customer_id from {_MERGED} as i"
    f" inner join {SCOPE} as n on n.customer_id = i.survivor_id)"
)


@contextmanager
def scoped(engine: Engine, sql: str) -> Iterator[str]:
    """Give `sql` over the rows of the customers in `features.scope`, as long as the context lasts.

    Every relation that names customers is cut, and by their orders those with an `order_id` alone; others
    (products, campaigns) are read as they are. What the SELECT says of a customer must not depend on the rows
    of another.
    """
    asked = Statement(sql)
    made: dict[str, str] = {}
    for relation in sorted(asked.inputs, key=_orders_first):
        columns = [name for name, _ in engine.columns(relation)]
        whose = _whose(columns, asked.inputs, made.get(_BY_ORDER))
        if whose is None:
            continue
        named, keys, on = whose
        wanted = ", ".join(
            f"r.{quote(name)}" for name in columns if name.lower() in asked.names or name == named
        )
        target = "cut_" + relation.replace(".", "_")
        engine.keep(target, f"select {wanted} from {qualified(relation)} as r semi join {keys} as s on {on}")
        made[relation] = target
    yield reading(sql, made)
    for target in made.values():
        engine.drop(target)


def _whose(columns: Sequence[str], read: Collection[str], orders: str | None) -> tuple[str, str, str] | None:
    """The column by which a relation is cut, the ids that are kept, how the two meet; None of any other."""
    if "survivor_id" in columns:
        return "survivor_id", SCOPE, "s.customer_id = r.survivor_id"
    if _MERGED in read and {"customer_id", "contact_id"} <= {*columns}:
        return "customer_id", _ALL_IDS, "s.customer_id = coalesce(r.customer_id, r.contact_id)"
    if "customer_id" in columns:
        return "customer_id", SCOPE, "s.customer_id = r.customer_id"
    if orders is not None and "order_id" in columns:
        return "order_id", orders, "s.order_id = r.order_id"
    return None


def _orders_first(relation: str) -> tuple[bool, str]:
    return relation != _BY_ORDER, relation
