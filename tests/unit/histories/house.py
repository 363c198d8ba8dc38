"""A warehouse that lives through days: files are handed in, core is brought up, segments are recorded.

It carries everything on from run to run. What would be made anew is asked of a copy of it that has, before a
run, thrown away all that is derived.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from deliveries import Deliveries
from world import SOURCES, Delivery

from pipelines.config.project import ProjectConfig
from pipelines.contracts.registry import CONTRACTS, FACTS
from pipelines.core.facts import resolved
from pipelines.core.facts.ending import ended
from pipelines.engine import relation_exists
from pipelines.errors import UsageError
from pipelines.ingest import decision
from pipelines.refresh.checks import Outcome, refuse_broken
from pipelines.refresh.context import Refresh
from pipelines.refresh.core import refresh_core
from pipelines.refresh.features import refresh_features, refresh_state
from pipelines.refresh.segments import refresh_segments
from pipelines.segments import replay
from resources.control import ControlStore
from resources.project import Project

Table = list[tuple[Any, ...]]


def _own(
    name: str, table: str, where: str | None, window: str, entity: str = "customer"
) -> dict[str, object]:
    condition = {"where": where} if where else {}
    return condition | {
        "name": name,
        "from": table,
        "aggregate": "count",
        "window": window,
        "entity": entity,
        "meaning": name,
    }


CONFIG = ProjectConfig.model_validate(
    {
        "project": "histories",
        "timezone": "Europe/Helsinki",
        "currency": "EUR",
        "margin_rate": 0.25,
        "currencies": {"max_rate_age_days": 30},
        "roi": {"months": 1},
        "attributes": {
            "age": {"as_of": "created_on", "expires_after": "40d"},
            "accounts.industry": {"as_of": "created_on", "expires_after": "60d"},
        },
        "features": {
            "scores_expire_after": {"csat": "30d"},
            "category_shares": ["A", "B"],
            "channel_shares": ["web"],
            "product_breadth": True,
            "pipeline_stages": ["offer"],
            "consent_purposes": ["news"],
            "custom": [
                _own("lines_17d", "order_lines", "category = 'A'", "17d"),
                _own("returned_60d", "orders", "status = 'returned'", "60d"),
                _own("waiting", "feedback", "kind = 'ticket' and closed_on is null", "45d"),
                _own("touched_20d", "campaign_contacts", None, "20d"),
                _own("clicks_33d", "interactions", None, "33d", "account"),
                _own("lost", "opportunities", "outcome = 'lost'", "ever", "account"),
                _own("converted", "leads", "converted_on is not null", "90d", "account"),
            ],
        },
        "sources": SOURCES,
    }
)
DEFINITIONS = {
    "cycle": """
segmentation: cycle
name: Cycle
kind: rules
segments:
  - {id: warm, name: Warm, when: recency_days <= 10, exit: recency_days > 30, dwell_days: 4}
  - {id: seen, name: Seen, when: "did(interactions, where: channel = 'web', within: 30d)"}
  - {id: asked, name: Asked, when: "did(feedback, where: closed_on is null)"}
  - {id: dealt, name: Dealt, when: "did(opportunities, where: outcome = 'lost', within: 90d)"}
otherwise: {id: cold, name: Cold}
""",
    "groups": """
segmentation: groups
name: Groups
kind: audiences
audiences:
  - {id: told, name: Told, when: "did(campaign_contacts, within: 60d)", dwell_days: 3}
  - {id: worthy, name: Worthy, when: revenue_90d > 40, exit: revenue_90d < 10}
  - {id: back, name: Back, when: "in_segment('cycle.warm') and returned_60d > 0"}
  - {id: young, name: Young, when: age < '30'}
""",
    "colleagues": """
segmentation: colleagues
name: Colleagues
kind: audiences
audiences:
  - {id: live, name: Live, when: "account.in_segment('firms.live')", dwell_days: 2}
  - {id: trade, name: Trade, when: "account.industry is not null or account.revenue_90d > 100"}
  - {id: dealing, name: Dealing, when: "account.did(opportunities, where: outcome = 'won')"}
""",
    "value": """
segmentation: value
name: Value
kind: tiers
by: revenue_365d
tiers:
  - {id: top, name: Top, until: 0.5}
  - {id: rest, name: Rest, until: 1}
otherwise: {id: none, name: None}
""",
    "firms": """
segmentation: firms
name: Firms
kind: rules
entity: account
segments:
  - {id: live, name: Live, when: "any_member(where: in_segment('cycle.warm'))", exit: revenue_90d = 0}
  - {id: open, name: Open, when: "did(opportunities, where: outcome = 'open', within: 60d)"}
  - {id: led, name: Led, when: "did(leads, where: status = 'converted') or converted > 0"}
  - {id: glad, name: Glad, when: "any_member(contacts, where: mood = 'glad')"}
  - {id: fair, name: Fair, when: "did(opportunities, where: source = 'web') and contacts > 1"}
  - {id: won, name: Won, when: "did(opportunities, where: rival = 'acme')"}
otherwise: {id: quiet, name: Quiet}
""",
}
KEPT = [table for table, contract in CONTRACTS.items() if contract.keeps_past]
MERGED = "select customer_id from core.customer_id_map union select survivor_id from core.customer_id_map"
# What is compared: everything of a run but the moment at which it was written.
OF_A_DAY = ("features.customer", "features.account")
STANDING = (
    *(f"core.{table}" for table in CONTRACTS if table in CONFIG.mapped_tables()),
    "core.provenance_customers",
    "core.disagreement_customers",
    "core.customer_id_map",
    "money.term",
    "money.held_order",
    "features.customer_day",
    "features.customer_entry",
    "ingest.batch_table",
    "ingest.batch_deletion",
    "quarantine.row",
)
RECORD = (
    "history.attribute_change",
    "history.column_epoch",
    "history.mapping",
    "segments.membership_event",
    "segments.membership",
    "segments.current_customer",
    "segments.current_account",
    "segments.recorded_batch",
    "segments.definition_day",
    "segments.deal_stage",
    "segments.cut_point",
    "segments.profile_day",
    "segments.assignment",
)


class House(Deliveries):
    """The warehouse of a project with definitions of customers and of accounts."""

    def __init__(self, folder: Path) -> None:
        for made in ("files", "segments"):
            (folder / made).mkdir(parents=True)
        super().__init__(folder / "files", SOURCES)
        self.project, self.control = Project(folder, CONFIG), ControlStore(folder / "control.sqlite")
        for name, text in DEFINITIONS.items():
            (folder / "segments" / f"{name}.yaml").write_text(text, encoding="utf-8")

    @contextmanager
    def made_anew(self) -> Iterator[House]:
        """A copy with what has landed and the record, and nothing that is derived."""
        self.con.execute("attach ':memory:' as anew")
        self.con.execute("copy from database memory to anew")
        other = copy(self)
        other.con = self.con.cursor()
        other.con.execute("use anew; set TimeZone = 'Europe/Helsinki'")
        try:
            other._forget()
            yield other
        finally:
            other.con.close()
            self.con.execute("detach anew")

    def take(self, delivery: Delivery) -> int:
        """Land a file, with its verdict; 0 when it is known already."""
        name, path, lines, accepted = delivery
        return self.land(name, lines, accepted=accepted, names=[path], judged=False)

    def decide(self, seq: int) -> None:
        """A person overrules the verdict on a batch, where there is something to overrule."""
        status = dict(self.con.execute("select batch_seq, status from ingest.batch").fetchall()).get(seq)
        if status == "accepted":
            decision.reject(self.con, seq)
        elif status == "rejected":
            with suppress(UsageError):  # newer versions of all its files count
                decision.accept(self.con, seq)

    def run(self, day: date, run_id: str) -> Sequence[Outcome]:
        """What a daily run does from core to the record; returns the checks of segments."""
        self.control.start_run(run_id, day, "test")
        config = CONFIG.model_copy(update={"today": day + timedelta(days=1)})
        run = Refresh(self.con, replace(self.project, config=config), self.control, run_id, (day,))
        refuse_broken(refresh_core(run).checks)
        self.check_accounts()
        refresh_state(run)
        refuse_broken(refresh_features(run).checks)
        found = refresh_segments(run).checks
        refuse_broken(found)
        return found

    def _forget(self) -> None:
        """Leave what landed, and the record."""
        self.con.execute("drop schema if exists features cascade")
        self.con.execute("drop schema if exists money cascade")
        # What stood before is what a change is measured by: such a table is made anew over it.
        found = self.con.execute(
            "select table_name from duckdb_tables() where database_name = current_database()"
            " and schema_name = 'core' and table_name not in (select unnest($kept))",
            {"kept": [*KEPT, "customer_id_map"]},
        ).fetchall()
        for (table,) in found:
            self.con.execute(f"drop table core.{table}")
        known = (
            "database_name = current_database() and schema_name = 'ingest'"
            f" and regexp_matches(table_name, '^(known|delivered|past|past_merged)__')"
            f" and not regexp_matches(table_name, '^known__({'|'.join(KEPT)})$')"
        )
        for (table,) in self.con.execute(f"select table_name from duckdb_tables() where {known}").fetchall():
            self.con.execute(f"drop table ingest.{table}")
        done = (
            "core_state",
            "core_batch",
            "moved_customer",
            "dirty_customer",
            "dirty_day",
            "step_state",
            "core_held",
        )
        for table in done:
            self.con.execute(f"drop table if exists ingest.{table}")
        for table in ("snapshot_day", "replayed", "replayed_day"):
            if relation_exists(self.con, f"segments.{table}"):
                self.con.execute(f"delete from segments.{table}")

    def dump(self, day: date) -> dict[str, Table]:
        """Every table that two warehouses must have in common after a run for a day."""
        baseline = replay.four_weeks_before(day)
        found = {}
        for table in OF_A_DAY:
            of_days = f"from {table} where as_of_date in (?, ?)"
            found[table] = self._rows(of_days, [day, baseline])
        for table in (*STANDING, *RECORD):
            found[table] = self._rows(f"from {table}")
        return found

    def read(self, day: date) -> dict[tuple[str, str], Table]:
        """Table and key -> what a day reads of it now: of those who never merged, of deals that are open."""
        found = {}
        for table in KEPT:
            key = CONTRACTS[table].key
            asked = f"select r.* exclude (_source, _batch_seq, _file_id, _row) from past.{table} as r"
            if table == "customers":
                asked += f" where customer_id not in ({MERGED})"
            elif table in FACTS:
                asked += f" where not {ended(table, 'r')[0]}"
            names, *rows = self._rows(f"from ({resolved(asked, 'account')}) as r", {"as_of": day})
            for row in rows:
                found[table, "/".join(row[names.index(name)] for name in key)] = [
                    *zip(names, row, strict=True)
                ]
        return found

    def _rows(self, sql: str, values: Mapping[str, object] | list[object] | None = None) -> Table:
        """Rows by the names of their columns, which may stand in another order."""
        names = sorted(row[0] for row in self.con.execute(f"describe {sql}", values or []).fetchall())
        listed = ", ".join(f'"{name}"' for name in names)
        return [
            tuple(names),
            *self.con.execute(f"select {listed} {sql} order by all", values or []).fetchall(),
        ]
