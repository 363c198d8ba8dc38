"""What orders and lines are worth: views over core that convert currencies and take out what is no revenue.

Core keeps amounts as the source gives them. Features and marts read `money.orders` and `money.order_lines`,
which are views: nothing is stored twice, so a conversion is never older than its rate. Stored are the rates
that the orders' days need (`money.term`) and the orders that lack one (`money.held_order`), made anew each
run; what differs from the run before says which customers must be computed again (docs/decisions/0018).

Where no source says anything of currencies, VAT or parts, the views are core's own columns and cost nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.config.money import Amounts
from pipelines.config.project import ProjectConfig
from pipelines.core import changes
from pipelines.engine import (
    DuckDB,
    Engine,
    load_query,
    load_step,
    qualified,
    relation_exists,
    row_count,
    run_step,
    transaction,
)

if TYPE_CHECKING:
    import duckdb

VIEWS = ("amount", "orders", "order_lines")
PARTS = ("shipping", "gift_card_sold", "gift_card_redeemed", "deposit", "discount", "coupon_discount")
# The name of this stage in ingest.step_state.
STATE = "money"


@dataclass(frozen=True)
class Terms:
    """What a project says of its money.

    `amounts` are the sources that say what their amounts hold; `foreign` is whether some source maps the
    currency of orders.
    """

    currency: str
    max_rate_age_days: int
    amounts: Mapping[str, Amounts]
    foreign: bool

    @property
    def plain(self) -> bool:
        """Whether every amount is net revenue in the project's currency as it stands."""
        return not self.amounts and not self.foreign

    @property
    def mark(self) -> str:
        """Changes when the same rows of core would be worth something else; empty where they are plain."""
        if self.plain:
            return ""
        said = {name: json.loads(amount.model_dump_json()) for name, amount in sorted(self.amounts.items())}
        sql = [load_step(f"core/money/{name}").sql for name in ("term", "held_order", *VIEWS)]
        text = json.dumps([self.currency, self.max_rate_age_days, said, sql])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def terms_of(config: ProjectConfig) -> Terms:
    """What `project.yaml` says of money."""
    return Terms(
        currency=config.currency,
        max_rate_age_days=config.currencies.max_rate_age_days,
        amounts={
            name: source.amounts for name, source in config.sources.items() if source.amounts is not None
        },
        foreign=any("currency" in source.tables.get("orders", {}) for source in config.sources.values()),
    )


def ensure(engine: Engine) -> None:
    """Create the plain views where there are none yet: a warehouse that has never heard of money."""
    if not engine.columns("money.order_lines"):
        with engine.transaction():
            _make_plain(engine)


def refresh(con: duckdb.DuckDBPyConnection, terms: Terms) -> int:
    """Bring money up to core, and mark the customers whose orders are worth something else than before.

    Returns
    -------
    How many orders are held because a rate is missing.
    """
    engine = DuckDB(con)
    con.execute(
        "create table if not exists ingest.step_state (table_name varchar primary key, fingerprint varchar)"
    )
    with transaction(con):
        known = con.execute(
            "select fingerprint from ingest.step_state where table_name = ?", [STATE]
        ).fetchone()
        # A warehouse without a mark is plain: that is what features were computed from.
        changed = (known[0] if known else "") != terms.mark
        if terms.plain:
            ensure(engine)
            if changed:
                _make_plain(engine)
        else:
            _keep_before(con)
            _make_terms(con, terms)
            if not changed:
                _mark_touched(con)
            con.execute("drop table term_before")
            con.execute("drop table held_order_before")
        if changed:
            changes.remember_everything(con, "orders")
            con.execute("insert into ingest.dirty_day values (null, null)")
        con.execute("insert or replace into ingest.step_state values (?, ?)", [STATE, terms.mark])
    return 0 if terms.plain else row_count(con, "money.held_order")


def _make_plain(engine: Engine) -> None:
    for name in ("term", "source"):
        engine.drop(f"money.{name}")
    for name in ("held_order", *VIEWS):
        step = load_step(f"core/money/plain/{name}")
        engine.store(step.table, step.sql, step.store, {})


def _make_terms(con: duckdb.DuckDBPyConnection, terms: Terms) -> None:
    _store_sources(con, terms.amounts)
    run_step(
        con,
        "core/money/term",
        {"currency": terms.currency, "max_age_days": terms.max_rate_age_days},
    )
    run_step(con, "core/money/amount")
    run_step(con, "core/money/held_order")
    for name in VIEWS[1:]:
        run_step(con, f"core/money/{name}")


def _store_sources(con: duckdb.DuckDBPyConnection, amounts: Mapping[str, Amounts]) -> None:
    """Write `money.source`: one row a source that says what its amounts hold."""
    con.execute("create schema if not exists money")
    flags = ", ".join(f"{part} boolean not null" for part in PARTS)
    con.execute(
        "create or replace table money.source"
        f" (source varchar primary key, vat varchar, vat_rate decimal(18,8), {flags})"
    )
    for name, amount in amounts.items():
        held = {*amount.include, *amount.reduced_by}
        by_rate = isinstance(amount.vat, Decimal)
        con.execute(
            f"insert into money.source values (?, ?, ?, {', '.join('?' * len(PARTS))})",
            [name, "rate" if by_rate else amount.vat, amount.vat if by_rate else None]
            + [part in held for part in PARTS],
        )


def _keep_before(con: duckdb.DuckDBPyConnection) -> None:
    """Keep what the run before had, empty where it had nothing."""
    for name, columns in (
        (
            "term",
            "currency varchar, country varchar, business_date date,"
            " currency_rate decimal(18,8), vat_rate decimal(18,8)",
        ),
        ("held_order", "order_id varchar, source varchar, reason varchar, column_name varchar"),
    ):
        con.execute(f"create or replace temp table {name}_before ({columns})")
        if relation_exists(con, f"money.{name}"):
            con.execute(f"insert into {name}_before by name select * from {qualified('money.' + name)}")


def _mark_touched(con: duckdb.DuckDBPyConnection) -> None:
    """Mark whose orders have another rate than before, or are held or freed since.

    An order that is itself new or changed was marked when core took it in.
    """
    revalued = load_query("core/money/queries/revalued_day").sql
    con.execute(f"create or replace temp table revalued as {revalued}")
    con.execute("insert into ingest.dirty_day from revalued")
    changes.remember(con, "orders", "select business_date from revalued")
    con.execute("drop table revalued")
