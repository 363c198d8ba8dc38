"""Features as of a day: the current day is kept up customer by customer, past days are computed when asked.

`features.customer_state` holds what is stored of every customer as of the day in `features.state_day`. It
moves on day by day: computed again are only customers of whom something changed, or whose activity enters
or leaves a window on the way. `features.customer_past` holds earlier days in use, computed by the same
SELECT for everyone. The view `features.customer` is both, with what follows from the passing of time derived
on reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from pipelines.engine import bound, columns_of, qualified, quote, relation_exists, store_select, transaction
from pipelines.features.accounts import keep_accounts
from pipelines.features.attributes import expiring_between
from pipelines.features.recipe import Made, Recipe, attributes_of, fragments_read, make
from pipelines.features.scoped import scoped
from pipelines.features.state import SCHEMA, refresh_state

if TYPE_CHECKING:
    import duckdb

__all__ = ["attributes_of", "refresh_state"]

STATE, PAST = "features.customer_state", "features.customer_past"
_DAY = "create table if not exists features.state_day (as_of_date date, fingerprint varchar)"


def compute_customers(con: duckdb.DuckDBPyConnection, as_of: date, recipe: Recipe) -> int:
    """Make the features of a day stand: the next one of the state, or a past one beside it.

    Returns
    -------
    How many customers were computed.
    """
    known = state_day(con)
    if known is not None and as_of < known:
        return compute_past(con, as_of, recipe)
    made = make(con, recipe)
    with transaction(con):
        everyone = not _is_current(con, made)
        if everyone:
            store_select(con, STATE, made.stored_sql, "replace", made.bindings(as_of))
            count = _count(con, STATE)
        else:
            count = _advance(con, made, recipe, known or as_of, as_of)
        con.execute("delete from features.stale_customer")
        con.execute("delete from features.state_day")
        con.execute("insert into features.state_day values (?, ?)", [as_of, made.fingerprint])
        if relation_exists(con, PAST):
            con.execute(f"delete from {PAST} where as_of_date >= ?", [as_of])
        _make_view(con, made)
    return count


def compute_past(
    con: duckdb.DuckDBPyConnection, as_of: date, recipe: Recipe, after: date | None = None
) -> int:
    """Fill the partition of a past day in `features.customer_past`; the state stays as it is.

    Parameters
    ----------
    as_of : the business day at whose end everything is counted.
    recipe : what the project's configuration says of its features.
    after : an earlier day in `features.customer_past`, computed by this recipe from the data as they are now.
        Its customers are carried over but for those whose activity began to count, or aged, since: a replay
        of many days costs what happened between them. Where nothing stands of that day, everyone is computed.
    """
    con.execute(SCHEMA)
    con.execute(_DAY)
    made = make(con, recipe)
    binds = made.bindings(as_of) | {"as_of_date": as_of, "after": after}
    with transaction(con):
        _fit_columns(con, made)
        if after is not None and relation_exists(con, PAST) and _count(con, PAST, after):
            how = _carried(con, made, recipe, after, as_of)
        else:
            how = _of_everyone(made)
        with how as sql:
            store_select(con, PAST, sql, "partition as_of_date", binds, fits=True)
        if not relation_exists(con, STATE):
            con.execute(f"create table {STATE} as select * exclude (as_of_date) from {PAST} limit 0")
        _make_view(con, made)
    return _count(con, PAST, as_of)


def state_day(con: duckdb.DuckDBPyConnection) -> date | None:
    """The day the state stands at; None before there is one."""
    con.execute(SCHEMA)
    con.execute(_DAY)
    row = con.execute("select as_of_date from features.state_day").fetchone()
    return row[0] if row else None


def _is_current(con: duckdb.DuckDBPyConnection, made: Made) -> bool:
    """Whether the state was made by this recipe, and not everyone has changed."""
    row = con.execute("select fingerprint from features.state_day").fetchone()
    stale = con.execute("select count(*) from features.stale_customer where customer_id is null").fetchone()
    return row == (made.fingerprint,) and stale == (0,) and relation_exists(con, STATE)


def _advance(con: duckdb.DuckDBPyConnection, made: Made, recipe: Recipe, before: date, as_of: date) -> int:
    """Compute again whoever changed or aged between two days, and nobody else."""
    _scope(con, made, recipe, before, as_of, "select customer_id from features.stale_customer")
    con.execute(f"delete from {STATE} where customer_id in (select customer_id from features.scope)")
    with scoped(con, made.stored_sql) as sql:
        store_select(con, STATE, sql, "append", made.bindings(as_of), fits=True)
    return _count(con, "features.scope")


@contextmanager
def _carried(
    con: duckdb.DuckDBPyConnection, made: Made, recipe: Recipe, after: date, as_of: date
) -> Iterator[str]:
    """The SELECT of a past day from an earlier one: who aged is computed, everyone else is as they were."""
    _scope(con, made, recipe, after, as_of)
    names = ", ".join(quote(name) for one in made.fragments for name, *_ in one.stored)
    with scoped(con, made.stored_sql) as sql:
        yield (
            f"select cast($as_of as date) as as_of_date, customer_id, {names} from {PAST} as known"
            " anti join features.scope as s on s.customer_id = known.customer_id where as_of_date = $after"
            f" union all select cast($as_of as date) as as_of_date, customer_id, {names} from ({sql})"
        )


@contextmanager
def _of_everyone(made: Made) -> Iterator[str]:
    yield f"select cast($as_of as date) as as_of_date, stored.* from ({made.stored_sql}) as stored"


def _scope(
    con: duckdb.DuckDBPyConnection, made: Made, recipe: Recipe, before: date, as_of: date, *also: str
) -> None:
    """Fill `features.scope`: whoever aged between two days, and the customers of further SELECTs."""
    parts = list(also)
    if as_of > before:
        parts += [_aged(*one) for one in sorted(fragments_read(made.fragments))]
        parts += expiring_between(con, recipe.rules, [name for name, _ in attributes_of(con)])
    whom = " union ".join(parts)
    con.execute(
        f"create or replace table features.scope as select distinct customer_id from ({whom})"
        " where customer_id is not null",
        bound(whom, {"before": before, "as_of": as_of}),
    )


def _aged(relation: str, day: str, windows: tuple[int, ...]) -> str:
    """Whose rows of a relation begin to count, or fall out of a window, after `$before` and by `$as_of`."""
    ranges = [f"({day} > cast($before as date) and {day} <= cast($as_of as date))"]
    ranges += [
        f"({day} > cast($before as date) - {length} and {day} <= cast($as_of as date) - {length})"
        for length in windows
    ]
    return f"select customer_id from {relation} as aged where {' or '.join(ranges)}"


def _make_view(con: duckdb.DuckDBPyConnection, made: Made) -> None:
    state = f"select (select as_of_date from features.state_day) as as_of_date, * from {STATE}"
    both = f"{state} union all by name select * from {PAST}" if relation_exists(con, PAST) else state
    con.execute(f"create or replace view features.customer as {made.public_sql(f'({both})')}")


def _fit_columns(con: duckdb.DuckDBPyConnection, made: Made) -> None:
    """Past days hold the columns of this recipe; those it has no more go, with what they said."""
    have = {name for name, _ in columns_of(con, PAST)}
    if not have:
        return
    wanted = {name: kind for one in made.fragments for name, kind, _ in one.stored}
    for name in have - wanted.keys() - {"as_of_date", "customer_id"}:
        con.execute("drop view if exists features.customer")
        con.execute(f"alter table {qualified(PAST)} drop column {quote(name)}")
    for name in wanted.keys() - have:
        con.execute(f"alter table {qualified(PAST)} add column {quote(name)} {wanted[name]}")


def _count(con: duckdb.DuckDBPyConnection, table: str, day: date | None = None) -> int:
    where = " where as_of_date = ?" if day else ""
    row = con.execute(f"select count(*) from {table}{where}", [day] if day else []).fetchone()
    return int(row[0]) if row else 0


def has_features(con: duckdb.DuckDBPyConnection, as_of: date) -> bool:
    """Whether the features of a day are there."""
    if state_day(con) == as_of:
        return _count(con, STATE) > 0
    return relation_exists(con, PAST) and _count(con, PAST, as_of) > 0


def keep_features(con: duckdb.DuckDBPyConnection, days: Sequence[date]) -> None:
    """Drop every past day but these: any of them can be computed again."""
    if relation_exists(con, PAST):
        con.execute(
            f"delete from {PAST} where as_of_date not in (select unnest($keep))", {"keep": list(days)}
        )
    keep_accounts(con, [day for day in (*days, state_day(con)) if day is not None])
