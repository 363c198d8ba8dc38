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

from pipelines.engine import Engine, quote, value
from pipelines.features.accounts.compute import keep_accounts
from pipelines.features.attributes import expiring_between
from pipelines.features.past import count_of, fit_columns, keep_days, there_is
from pipelines.features.recipe import Made, Recipe, attributes_of, fragments_read, make
from pipelines.features.scoped import scoped
from pipelines.features.state import ensure, refresh_state

__all__ = ["attributes_of", "refresh_state"]

STATE, PAST = "features.customer_state", "features.customer_past"
DAY = "features.state_day"


def compute_customers(engine: Engine, as_of: date, recipe: Recipe) -> int:
    """Make the features of a day stand: the next one of the state, or a past one beside it.

    Returns
    -------
    How many customers were computed.
    """
    known = state_day(engine)
    if known is not None and as_of < known:
        return compute_past(engine, as_of, recipe)
    made = make(engine, "customer", recipe)
    with engine.transaction():
        everyone = not _is_current(engine, made)
        if everyone:
            engine.store(STATE, made.stored_sql, "replace", made.bindings(as_of))
            count = count_of(engine, STATE)
        else:
            count = _advance(engine, made, recipe, known or as_of, as_of)
        engine.delete("features.stale_customer")
        engine.delete(DAY)
        engine.insert(DAY, [(as_of, made.fingerprint)])
        if there_is(engine, PAST):
            engine.delete(PAST, "as_of_date >= $as_of", {"as_of": as_of})
        _make_view(engine, made)
    return count


def compute_past(engine: Engine, as_of: date, recipe: Recipe, after: date | None = None) -> int:
    """Fill the partition of a past day in `features.customer_past`; the state stays as it is.

    Parameters
    ----------
    as_of : the business day at whose end everything is counted.
    recipe : what the project's configuration says of its features.
    after : an earlier day in `features.customer_past`, computed by this recipe from the data as they are now.
        Its customers are carried over but for those whose activity began to count, or aged, since: a replay
        of many days costs what happened between them. Where nothing stands of that day, everyone is computed.
    """
    _ensure(engine)
    made = make(engine, "customer", recipe)
    binds = made.bindings(as_of) | {"as_of_date": as_of, "after": after}
    with engine.transaction():
        fit_columns(engine, PAST, made, "features.customer")
        if after is not None and there_is(engine, PAST) and count_of(engine, PAST, after):
            how = _carried(engine, made, recipe, after, as_of)
        else:
            how = _of_everyone(made)
        with how as sql:
            engine.store(PAST, sql, "partition as_of_date", binds, fits=True)
        if not there_is(engine, STATE):
            engine.store(STATE, f"select * exclude (as_of_date) from {PAST} limit 0", "replace", {})
        _make_view(engine, made)
    return count_of(engine, PAST, as_of)


def state_day(engine: Engine) -> date | None:
    """The day the state stands at; None before there is one."""
    _ensure(engine)
    found: date | None = value(engine, f"select as_of_date from {DAY}")
    return found


def _is_current(engine: Engine, made: Made) -> bool:
    """Whether the state was made by this recipe, and not everyone has changed."""
    known = value(engine, f"select fingerprint from {DAY}")
    stale = value(engine, "select count(*) from features.stale_customer where customer_id is null")
    return known == made.fingerprint and stale == 0 and there_is(engine, STATE)


def _advance(engine: Engine, made: Made, recipe: Recipe, before: date, as_of: date) -> int:
    """Compute again whoever changed or aged between two days, and nobody else."""
    _scope(engine, made, recipe, before, as_of, "select customer_id from features.stale_customer")
    engine.delete(STATE, "customer_id in (select customer_id from features.scope)")
    with scoped(engine, made.stored_sql) as sql:
        engine.store(STATE, sql, "append", made.bindings(as_of), fits=True)
    return count_of(engine, "features.scope")


@contextmanager
def _carried(engine: Engine, made: Made, recipe: Recipe, after: date, as_of: date) -> Iterator[str]:
    """The SELECT of a past day from an earlier one: who aged is computed, everyone else is as they were."""
    _scope(engine, made, recipe, after, as_of)
    names = ", ".join(quote(name) for name in made.stored)
    with scoped(engine, made.stored_sql) as sql:
        yield (
            f"select cast($as_of as date) as as_of_date, customer_id, {names} from {PAST} as known"
            " anti join features.scope as s on s.customer_id = known.customer_id where as_of_date = $after"
            f" union all select cast($as_of as date) as as_of_date, customer_id, {names} from ({sql})"
        )


@contextmanager
def _of_everyone(made: Made) -> Iterator[str]:
    yield f"select cast($as_of as date) as as_of_date, stored.* from ({made.stored_sql}) as stored"


def _scope(engine: Engine, made: Made, recipe: Recipe, before: date, as_of: date, *also: str) -> None:
    """Fill `features.scope`: whoever aged between two days, and the customers of further SELECTs."""
    parts = list(also)
    if as_of > before:
        parts += [_aged(*read) for read in sorted(fragments_read(made.fragments))]
        parts += expiring_between(
            engine, recipe.rules, [name for name, _ in attributes_of(engine, "customer")]
        )
    whom = " union ".join(parts)
    engine.store(
        "features.scope",
        f"select distinct customer_id from ({whom}) where customer_id is not null",
        "replace",
        {"before": before, "as_of": as_of},
    )


def _aged(relation: str, day: str, windows: tuple[int, ...]) -> str:
    """Whose rows of a relation begin to count, or fall out of a window, after `$before` and by `$as_of`."""
    ranges = [f"({day} > cast($before as date) and {day} <= cast($as_of as date))"]
    ranges += [
        f"({day} > cast($before as date) - {length} and {day} <= cast($as_of as date) - {length})"
        for length in windows
    ]
    return f"select customer_id from {relation} as aged where {' or '.join(ranges)}"


def _make_view(engine: Engine, made: Made) -> None:
    state = f"select (select as_of_date from features.state_day) as as_of_date, * from {STATE}"
    both = f"{state} union all by name select * from {PAST}" if there_is(engine, PAST) else state
    engine.store("features.customer", made.public_sql(f"({both})"), "view", {})


def _ensure(engine: Engine) -> None:
    ensure(engine)
    engine.ensure(DAY, {"as_of_date": "date", "fingerprint": "varchar"})


def has_features(engine: Engine, as_of: date) -> bool:
    """Whether the features of a day are there."""
    if state_day(engine) == as_of:
        return count_of(engine, STATE) > 0
    return there_is(engine, PAST) and count_of(engine, PAST, as_of) > 0


def keep_features(engine: Engine, days: Sequence[date]) -> None:
    """Drop every past day but these: any of them can be computed again."""
    keep_days(engine, PAST, days)
    keep_accounts(engine, [day for day in (*days, state_day(engine)) if day is not None])
