"""`lohko quarantine`: what was kept out and why; requeued after a fix, or decided by hand.

The only command that shows rows with their values: on the operator's terminal, never in a log or a message.
All of it opens the live warehouse, so it waits for a run to end.
"""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lohko.commands.shared import show
from pipelines.config.yaml import nearest
from pipelines.errors import SourceError, UsageError
from resources.control import ControlStore
from resources.locks import hold
from resources.project import Project
from resources.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

    from pipelines.core.requeue import Requeued

LOCK_TIMEOUT = 10.0  # seconds; a person waits
WAITING_SHOWN = 5  # orders without a rate that `list` names; `show` names more

app = typer.Typer(
    name="quarantine",
    help="Rejected rows and batches: inspect them, requeue them after a fix, or decide by hand.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
OfSource = Annotated[str | None, typer.Option("--source", "-s", help="Only this source.")]
OfTable = Annotated[str | None, typer.Option("--table", "-t", help="Only this canonical table.")]
OfReason = Annotated[str | None, typer.Option("--reason", "-r", help="Only this reason code.")]
Everything = Annotated[bool, typer.Option("--all", help="Include rows whose file was replaced since.")]
Batch = Annotated[int, typer.Argument(help="The batch's number.", min=1)]
Why = Annotated[str, typer.Option("--why", help="The reason; recorded with who and when.")]


@app.command("list")
def list_(
    context: typer.Context,
    source: OfSource = None,
    table: OfTable = None,
    reason: OfReason = None,
    everything: Everything = False,
    json: Json = False,
) -> None:
    """Counts by source, table and reason, rejected batches, and what was decided by hand."""
    from dataclasses import asdict

    from pipelines.core.money.waiting import waiting_orders
    from pipelines.ingest.quarantine import Wanted, reasons, rejected_batches

    project = Project.load(context.obj)
    _known_source(project, source)
    wanted = Wanted(source, table, reason, everything=everything)
    with _warehouse(project, "quarantine list") as con:
        facts: dict[str, Any] = {
            "reasons": reasons(con, wanted),
            "rejected_batches": rejected_batches(con, source),
            "waiting_orders": waiting_orders(con, source, reason, limit=WAITING_SHOWN),
        }
    decisions = ControlStore(project.control_path).decisions()
    facts["decisions"] = [asdict(decision) for decision in decisions if source in (None, decision.source)]
    if json:
        show.print_json(facts)
    else:
        _print_list(facts)


def _print_list(facts: dict[str, Any]) -> None:
    out = show.console
    if facts["reasons"]:
        columns = ["source", "table", "reason", "column", "batch is", "first file", "last file"]
        names = ("source", "table_name", "reason", "column_name", "batch_status", "first_file", "last_file")
        out.print(
            show.table(
                "In quarantine",
                [*columns, "rows"],
                [[*(show.text(r[n]) for n in names), show.number(r["rows"])] for r in facts["reasons"]],
                right=["rows"],
            )
        )
    else:
        out.print("No row is in quarantine.")
    if facts["waiting_orders"]:
        _print_waiting(facts["waiting_orders"])
    if facts["rejected_batches"]:
        out.print(
            show.table(
                "Rejected batches (`requeue SOURCE` validates them again, `accept BATCH` takes them as is)",
                ["batch", "source", "landed (UTC)", "file", "why"],
                [
                    [
                        fact["batch_seq"],
                        show.text(fact["source"]),
                        f"{fact['landed_at']:%Y-%m-%d %H:%M}",
                        show.text(fact["first_file"])
                        + (f" and {fact['files'] - 1} more" if fact["files"] > 1 else ""),
                        show.text(fact["reason"]),
                    ]
                    for fact in facts["rejected_batches"]
                ],
                right=["batch"],
            )
        )
    if facts["decisions"]:
        kept = ("decided_at", "decided_by", "decision", "batch_seq", "source", "why")
        out.print(
            show.table(
                "Decided by hand",
                ["when", "who", "what", "batch", "source", "why"],
                [[show.text(fact[name]) for name in kept] for fact in facts["decisions"]],
            )
        )


@app.command("show")
def show_(
    context: typer.Context,
    source: OfSource = None,
    table: OfTable = None,
    reason: OfReason = None,
    batch: Annotated[int | None, typer.Option("--batch", "-b", help="Only this batch.", min=1)] = None,
    limit: Annotated[int, typer.Option(help="How many rows.", min=1)] = 20,
    everything: Everything = False,
    json: Json = False,
) -> None:
    """Rows in quarantine with their values. Personal data: for your eyes, not for a ticket."""
    from pipelines.core.money.waiting import waiting_orders
    from pipelines.ingest.quarantine import Wanted, faulty_rows

    project = Project.load(context.obj)
    _known_source(project, source)
    wanted = Wanted(source, table, reason, batch, everything)
    with _warehouse(project, "quarantine show") as con:
        found = faulty_rows(con, wanted, project.config.sources, limit)
        waiting = [] if table not in (None, "orders") or batch else waiting_orders(con, source, reason, limit)
    if json:
        show.print_json([*found, *waiting])
        return
    if waiting:
        _print_waiting(waiting)
    if not found:
        show.console.print("No such row is in quarantine.")
        return
    names = ("batch_seq", "source", "table_name", "reason", "column_name", "file", "row_number")
    show.console.print(
        show.table(
            "In quarantine",
            ["batch", "source", "table", "reason", "column", "file", "row", "value", "whole row"],
            [
                [*(show.text(row[name]) for name in names), _pairs(row["value"]), _pairs(row["content"])]
                for row in found
            ],
            right=["batch", "row"],
        )
    )
    if len(found) == limit:
        show.console.print(f"The first {limit} rows; --limit shows more")


def _print_waiting(orders: list[dict[str, Any]]) -> None:
    names = ("source", "reason", "business_date", "currency", "country", "file", "row_number")
    show.console.print(
        show.table(
            "Orders waiting for a rate: they enter core once it arrives",
            ["source", "reason", "day", "currency", "country", "file", "row"],
            [[show.text(order[name]) for name in names] for order in orders],
            right=["row"],
        )
    )


def _pairs(values: dict[str, Any]) -> str:
    return show.text(", ".join(f"{name}={value!r}" for name, value in values.items()))


@app.command()
def requeue(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="The source whose mapping or data was corrected.")],
    json: Json = False,
) -> None:
    """Type again, under the mapping as it is now, what is in quarantine; good rows enter core."""
    from pipelines.core.requeue import requeue as requeue_source

    project = Project.load(context.obj)
    _known_source(project, source)
    with _alone(project, "quarantine requeue"), _warehouse(project, "quarantine requeue") as con:
        requeued = requeue_source(
            con,
            project.config.sources,
            source,
            f"requeue-{uuid.uuid4()}",
            suites=project.suites,
            through=project.yesterday,
            written=project.config.merge,
        )
    if json:
        validated = [{"batch": batch.batch_seq, "status": batch.status} for batch in requeued.validated]
        show.print_json({"before": requeued.before, "after": requeued.after, "validated": validated})
    else:
        _print_requeued(source, requeued)


def _print_requeued(source: str, requeued: Requeued) -> None:
    if not requeued.found:
        show.console.print(f"Nothing of {source} is in quarantine.")
        return
    for batch in requeued.validated:
        why = f": {show.text(batch.message)}" if batch.message else ""
        show.console.print(f"batch {batch.batch_seq} is {batch.status} now{why}")
    for table in sorted(requeued.before | requeued.after):
        before, after = requeued.before.get(table, 0), requeued.after.get(table, 0)
        show.console.print(f"{table}: {before:,} rows were in quarantine, {after:,} are")
    show.console.print("`lohko run` computes and publishes with what has entered.")


@app.command()
def accept(context: typer.Context, batch: Batch, why: Why) -> None:
    """Take a rejected batch as it is: its good rows enter with the next run, its faulty ones stay out."""
    _decide(context, batch, "accept", why)


@app.command()
def reject(context: typer.Context, batch: Batch, why: Why) -> None:
    """Take an accepted batch out again: core forgets it with the next run, and the source is held."""
    _decide(context, batch, "reject", why)


@app.command("accept-mapping")
def accept_mapping(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="The source whose edited mapping empties columns of core.")],
    why: Why,
) -> None:
    """Take an edited mapping as it is: values that it no longer reads of landed files leave core."""
    from pipelines.core import requeue as again
    from pipelines.ingest import ledger

    _refuse_no_reason(why)
    project = Project.load(context.obj)
    _known_source(project, source)
    control = ControlStore(project.control_path)
    purpose = "quarantine accept-mapping"
    with _alone(project, purpose), _warehouse(project, purpose) as con:

        def record(told: Sequence[str]) -> None:
            """Of the batch that is accepted under it last: a loss that nobody answers for must not stand."""
            newest = ledger.newest_accepted(con, source)
            said = f"{why.strip()} (mapping: {'; '.join(told)})"
            control.record_decision(newest, source, "accept", getpass.getuser(), said)

        config = project.config
        lost = again.accept_mapping(con, config.sources, source, project.yesterday, config.merge, record)
    for told in lost:
        show.console.print(f"let go: {show.text(told)}")
    taken = "is accepted" if lost else "empties nothing"
    show.console.print(
        f"The mapping of {show.text(source)} {taken}. `lohko run` computes and publishes again."
    )


def _decide(context: typer.Context, batch: int, decision: Any, why: str) -> None:
    from pipelines.engine import transaction
    from pipelines.ingest import decision as by_hand

    _refuse_no_reason(why)
    project = Project.load(context.obj)
    control = ControlStore(project.control_path)
    purpose = f"quarantine {decision}"
    with _alone(project, purpose), _warehouse(project, purpose) as con, transaction(con):
        source = by_hand.accept(con, batch) if decision == "accept" else by_hand.reject(con, batch)
        # Inside the transaction: a verdict that nobody answers for must not stand.
        control.record_decision(batch, source, decision, getpass.getuser(), why.strip())
    show.console.print(
        f"batch {batch} of {show.text(source)} is {decision}ed. `lohko run` computes and publishes again."
    )


def _refuse_no_reason(why: str) -> None:
    if not why.strip():
        raise UsageError("--why is empty; expected a reason, which is recorded with who and when")


def _known_source(project: Project, name: str | None) -> None:
    known = list(project.config.sources)
    if name is not None and name not in known:
        raise UsageError(f"no source {name}{nearest(name, known)} (known: {', '.join(known)})")


@contextmanager
def _alone(project: Project, purpose: str) -> Iterator[None]:
    """No command run meanwhile."""
    with hold(project.state / "run.lock", f"lohko {purpose}", timeout=LOCK_TIMEOUT):
        yield


@contextmanager
def _warehouse(project: Project, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The live warehouse; refused before there is one, so that looking makes none."""
    from pipelines.ingest import ledger

    path = project.warehouse_path
    if not path.exists():
        raise SourceError(f"{path}: nothing has been ingested yet; run `lohko run` first")
    with Warehouse(path, project.config.timezone, LOCK_TIMEOUT).open(f"lohko {purpose}") as con:
        ledger.create(con)
        yield con
