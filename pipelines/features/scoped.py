"""Some customers alone: the same SELECT over relations that were cut down to their rows.

A family is written for everyone. Of few customers it is computed from what is theirs: each relation is gone
through once, however many families read it, and of its columns only those that are named anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.engine import Engine, Statement, qualified, quote, reading

SCOPE = "features.scope"
# Rows of these are a customer's by their order.
_BY_ORDER = "money.orders"


@contextmanager
def scoped(engine: Engine, sql: str) -> Iterator[str]:
    """Give `sql` over the rows of the customers in `features.scope`, as long as the context lasts.

    Every relation with a `customer_id` is cut, and by their orders those with an `order_id` alone; others
    (products, campaigns) are read as they are. What the SELECT says of a customer must not depend on the rows
    of another.
    """
    asked = Statement(sql)
    made: dict[str, str] = {}
    for relation in sorted(asked.inputs, key=_orders_first):
        columns = [name for name, _ in engine.columns(relation)]
        key, keys = ("customer_id", SCOPE) if "customer_id" in columns else ("order_id", made.get(_BY_ORDER))
        if keys is None or key not in columns:
            continue
        wanted = ", ".join(
            f"r.{quote(name)}" for name in columns if name.lower() in asked.names or name == key
        )
        target = "cut_" + relation.replace(".", "_")
        engine.keep(
            target,
            f"select {wanted} from {qualified(relation)} as r semi join {keys} as s on s.{key} = r.{key}",
        )
        made[relation] = target
    yield reading(sql, made)
    for target in made.values():
        engine.drop(target)


def _orders_first(relation: str) -> tuple[bool, str]:
    return relation != _BY_ORDER, relation
