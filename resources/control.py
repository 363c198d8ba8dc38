"""What the operator needs to know, kept beside the warehouse: runs, findings and incidents.

A SQLite file of its own, because the warehouse admits one process at a time and `lohko status` must answer
while a run holds it. Each call opens the file, runs one short transaction and closes it again.

A finding is what a run evaluated; an incident is what a person is told about. `reconcile` turns the first
into the second: something that a run did not evaluate is neither opened nor closed by it.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pipelines.errors import ExternalError, LohkoError, chain_of
from pipelines.refresh.findings import Finding
from resources.control_schema import BUSY_SECONDS, migrate, transaction, use_wal

Status = Literal["running", "success", "held", "failed"]
Event = Literal["opened", "closed"]

CLAIM_EXPIRES = timedelta(minutes=10)

_INCIDENT = """incident_id, kind, subject, severity, message, opened_at, opened_run_id, last_seen_at,
    last_run_id, closed_at, closed_run_id, opened_notified_at, closed_notified_at"""
_UNTOLD = "(opened_notified_at IS NULL OR (closed_at IS NOT NULL AND closed_notified_at IS NULL))"
# A newer finding on the same subject wins, so that an older run reconciled late cannot undo it.
_NEWEST = """(SELECT * FROM finding f WHERE f.run_id = :run_id AND NOT EXISTS (
    SELECT 1 FROM finding later WHERE later.kind = f.kind AND later.subject = f.subject
    AND (later.found_at, later.rowid) > (f.found_at, f.rowid))) AS f"""
_OF_FINDING = "incident.closed_at IS NULL AND incident.kind = f.kind AND incident.subject = f.subject"


@dataclass(frozen=True)
class Run:
    """One run, as `lohko status` tells it; `finished_at` is empty while it runs or when it was killed."""

    run_id: str
    as_of_date: str
    started_at: str
    finished_at: str | None
    status: Status
    trigger: str
    message: str


@dataclass(frozen=True)
class Incident:
    """Something that is, or was, wrong, from the run that found it to the run that found it fine."""

    incident_id: int
    kind: str
    subject: str
    severity: str
    message: str
    opened_at: str
    opened_run_id: str
    last_seen_at: str
    last_run_id: str
    closed_at: str | None
    closed_run_id: str | None
    opened_notified_at: str | None
    closed_notified_at: str | None


@dataclass(frozen=True)
class Decision:
    """What a person decided over a batch, and why."""

    batch_seq: int
    source: str
    decision: Literal["accept", "reject"]
    decided_by: str
    decided_at: str
    why: str


@dataclass(frozen=True)
class Reconciled:
    """How many incidents a run opened and closed."""

    opened: int
    closed: int


@dataclass(frozen=True)
class Claim:
    """The right to tell of one incident now, and what each place (an address's position) was told of it."""

    incident: Incident
    token: str
    told: frozenset[tuple[int, Event]]


class ControlStore:
    """`<project>/.lohko/control.sqlite`; safe to use from several processes at once."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._clock = clock

    def start_run(self, run_id: str, as_of_date: date, trigger: str) -> None:
        """Note that a run began; a run that is resumed under its identifier begins again."""
        with self._write() as sql:
            sql.execute(
                """INSERT INTO run_log (run_id, as_of_date, started_at, status, "trigger")
                VALUES (?, ?, ?, 'running', ?) ON CONFLICT (run_id) DO UPDATE SET status = 'running',
                as_of_date = excluded.as_of_date, started_at = excluded.started_at, finished_at = NULL,
                "trigger" = excluded."trigger", message = ''""",
                (run_id, as_of_date.isoformat(), self._now(), trigger),
            )

    def finish_run(self, run_id: str, status: Status, message: str = "") -> None:
        """Note how a run ended."""
        with self._write() as sql:
            ended = (self._now(), status, message, run_id)
            done = sql.execute(
                "UPDATE run_log SET finished_at = ?, status = ?, message = ? WHERE run_id = ?", ended
            )
            if done.rowcount == 0:
                raise LookupError(f"run {run_id} was never started")

    def runs(self, limit: int = 20) -> list[Run]:
        """The latest runs, the latest first."""
        query = "SELECT * FROM run_log ORDER BY started_at DESC, rowid DESC LIMIT ?"
        return [Run(**row) for row in self._rows(query, limit)]

    def last_run(self, status: Status | None = None) -> Run | None:
        """The latest run, or the latest that ended with `status`."""
        query = """SELECT * FROM run_log WHERE ?1 IS NULL OR status = ?1
            ORDER BY started_at DESC, rowid DESC LIMIT 1"""
        return next((Run(**row) for row in self._rows(query, status)), None)

    def record_finding(self, run_id: str, finding: Finding) -> None:
        """Note one thing that the run evaluated."""
        self.record_findings(run_id, [finding])

    def record_findings(self, run_id: str, findings: Iterable[Finding]) -> None:
        """Note what the run evaluated; evaluated again within the run, the later result counts."""
        with self._write() as sql:
            sql.executemany(
                """INSERT INTO finding VALUES (:run_id, :kind, :subject, :ok, :severity, :message, :found_at)
                ON CONFLICT (run_id, kind, subject) DO UPDATE SET ok = excluded.ok,
                severity = excluded.severity, message = excluded.message, found_at = excluded.found_at""",
                [asdict(finding) | {"run_id": run_id, "found_at": self._now()} for finding in findings],
            )

    def findings(self, run_id: str) -> list[Finding]:
        """What the run evaluated."""
        query = (
            "SELECT kind, subject, ok, severity, message FROM finding WHERE run_id = ? ORDER BY kind, subject"
        )
        return [Finding(**row | {"ok": bool(row["ok"])}) for row in self._rows(query, run_id)]

    def reconcile(self, run_id: str) -> Reconciled:
        """Open, refresh and close incidents by what the run evaluated; doing it again changes nothing."""
        with self._write() as sql:
            closed = sql.execute(
                f"""UPDATE incident SET closed_at = f.found_at, closed_run_id = f.run_id
                FROM {_NEWEST} WHERE {_OF_FINDING} AND f.ok = 1""",
                {"run_id": run_id},
            )
            sql.execute(
                f"""UPDATE incident SET last_seen_at = f.found_at, last_run_id = f.run_id,
                severity = f.severity, message = f.message FROM {_NEWEST} WHERE {_OF_FINDING} AND f.ok = 0""",
                {"run_id": run_id},
            )
            opened = sql.execute(
                f"""INSERT INTO incident (kind, subject, severity, message, opened_at, opened_run_id,
                last_seen_at, last_run_id)
                SELECT kind, subject, severity, message, found_at, run_id, found_at, run_id FROM {_NEWEST}
                WHERE f.ok = 0 AND NOT EXISTS (SELECT 1 FROM incident WHERE {_OF_FINDING})
                ORDER BY kind, subject""",
                {"run_id": run_id},
            )
            return Reconciled(opened=opened.rowcount, closed=closed.rowcount)

    def open_incidents(self) -> list[Incident]:
        """What is wrong now, the oldest first."""
        return self._incidents("closed_at IS NULL")

    def undelivered(self) -> list[Incident]:
        """What not every address has been told yet, of opening or of recovery, the oldest first."""
        return self._incidents(_UNTOLD)

    def claim(self, incident_id: int) -> Claim | None:
        """Take the right to tell of an incident; None if it is told already or another process is at it.

        A process that dies keeps its claim for CLAIM_EXPIRES; then another one may take it.
        """
        token = uuid.uuid4().hex
        expired = _iso(self._clock() - CLAIM_EXPIRES)
        with self._write() as sql:
            row = sql.execute(
                f"""UPDATE incident SET claimed_at = ?, claimed_by = ? WHERE incident_id = ? AND {_UNTOLD}
                AND (claimed_at IS NULL OR claimed_at < ?) RETURNING {_INCIDENT}""",
                (self._now(), token, incident_id, expired),
            ).fetchone()
            told = sql.execute(
                "SELECT place, event FROM told WHERE incident_id = ?", (incident_id,)
            ).fetchall()
        if row is None:
            return None
        return Claim(Incident(**row), token, frozenset((each["place"], each["event"]) for each in told))

    def mark_told(self, claim: Claim, place: int, events: Iterable[Event]) -> None:
        """Note what a place has accepted, at once, so that the refusal of another repeats nothing here."""
        number, now = claim.incident.incident_id, self._now()
        with self._write() as sql:
            sql.executemany(
                "INSERT OR IGNORE INTO told VALUES (?, ?, ?, ?)",
                [(number, place, event, now) for event in events],
            )
            sql.execute("UPDATE incident SET claimed_at = ? WHERE claimed_by = ?", (now, claim.token))

    def mark_notified(self, claim: Claim) -> None:
        """Note that every place was told of the incident as it stood when it was claimed."""
        closed = claim.incident.closed_at is not None
        with self._write() as sql:
            sql.execute(
                """UPDATE incident SET opened_notified_at = COALESCE(opened_notified_at, ?1),
                closed_notified_at = CASE WHEN ?2 THEN ?1 ELSE closed_notified_at END
                WHERE incident_id = ?3""",
                (self._now(), closed, claim.incident.incident_id),
            )

    def release(self, claim: Claim) -> None:
        """Give the claim back, unless another process has taken it over since."""
        with self._write() as sql:
            sql.execute(
                "UPDATE incident SET claimed_at = NULL, claimed_by = NULL WHERE claimed_by = ?",
                (claim.token,),
            )

    def record_decision(
        self, batch_seq: int, source: str, decision: Literal["accept", "reject"], by: str, why: str
    ) -> None:
        """Note what a person decided over a batch."""
        with self._write() as sql:
            sql.execute(
                "INSERT INTO batch_decision (batch_seq, source, decision, decided_by, decided_at, why)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (batch_seq, source, decision, by, self._now(), why),
            )

    def decisions(self) -> list[Decision]:
        """Everything that was decided by hand, the latest first."""
        query = """SELECT batch_seq, source, decision, decided_by, decided_at, why FROM batch_decision
            ORDER BY decision_id DESC"""
        return [Decision(**row) for row in self._rows(query)]

    def _incidents(self, condition: str) -> list[Incident]:
        query = f"SELECT {_INCIDENT} FROM incident WHERE {condition} ORDER BY incident_id"
        return [Incident(**row) for row in self._rows(query)]

    def _now(self) -> str:
        return _iso(self._clock())

    def _rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with closing(self._open() if self._may_write() else self._open_as_it_is()) as sql:
            return [dict(row) for row in sql.execute(query, values)]

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with closing(self._open()) as sql, transaction(sql):
            yield sql

    def _may_write(self) -> bool:
        folder = next(one for one in (self._path.parent, *self._path.parents) if one.exists())
        return os.access(folder, os.W_OK)

    def _open_as_it_is(self) -> sqlite3.Connection:
        """In a folder that cannot be written, SQLite can make no lock: the file is read as it stands."""
        if not self._path.exists():
            sql = sqlite3.connect(":memory:", isolation_level=None)
            migrate(sql, self._path)
        else:
            sql = sqlite3.connect(f"{self._path.as_uri()}?mode=ro&immutable=1", uri=True)
        sql.row_factory = sqlite3.Row
        return sql

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        sql = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            sql.row_factory = sqlite3.Row
            use_wal(sql)
            migrate(sql, self._path)
        except sqlite3.DatabaseError as fault:
            sql.close()
            if is_full(fault):
                raise ExternalError(
                    f"{self._path}: cannot be written ({fault}); expected room on its disk, and the right to"
                    " write there. The file itself is not damaged: make room and run again"
                ) from fault
            raise LohkoError(
                f"{self._path}: cannot be used ({fault}). It holds the log of runs and the incidents; "
                "if it is damaged, move it away and a new one is begun."
            ) from fault
        except BaseException:
            sql.close()
            raise
        return sql


# SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN: nothing is wrong with the file itself.
_DISK = frozenset({8, 10, 13, 14})


def is_full(fault: BaseException) -> bool:
    """Whether SQLite had no room, or no right, to write; another library may have wrapped what it says."""
    codes = (getattr(one, "sqlite_errorcode", None) for one in chain_of(fault))
    return any(code is not None and code & 0xFF in _DISK for code in codes)


def _iso(moment: datetime) -> str:
    # A fixed width, so that the order of the texts is the order of the moments.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
