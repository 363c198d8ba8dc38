"""What the operator needs to know, kept beside the warehouse: runs, findings and incidents.

A SQLite file of its own, because the warehouse admits one process at a time and `lohko status` must answer
while a run holds it. Each call opens the file, runs one short transaction and closes it again.

A finding is what a run evaluated; an incident is what a person is told about. `reconcile` turns the first
into the second: something that a run did not evaluate is neither opened nor closed by it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Literal

from pipelines.refresh.findings import Finding
from resources.control_file import iso
from resources.run_log import RunLog

Event = Literal["opened", "closed"]

CLAIM_EXPIRES = timedelta(minutes=10)

_INCIDENT = """incident_id, kind, subject, severity, message, opened_at, opened_run_id, last_seen_at,
    last_run_id, closed_at, closed_run_id, opened_notified_at, closed_notified_at"""
_OPENED = "kind, subject, severity, message, opened_at, opened_run_id, last_seen_at, last_run_id"
_UNTOLD = "(opened_notified_at IS NULL OR (closed_at IS NOT NULL AND closed_notified_at IS NULL))"
# A newer finding on the same subject wins, so that an older run reconciled late cannot undo it.
_NEWEST = """(SELECT * FROM finding f WHERE f.run_id = :run_id AND NOT EXISTS (
    SELECT 1 FROM finding later WHERE later.kind = f.kind AND later.subject = f.subject
    AND (later.found_at, later.rowid) > (f.found_at, f.rowid))) AS f"""
_OF_FINDING = "incident.closed_at IS NULL AND incident.kind = f.kind AND incident.subject = f.subject"


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


class ControlStore(RunLog):
    """`<project>/.lohko/control.sqlite`; safe to use from several processes at once."""

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
                f"""INSERT INTO incident ({_OPENED})
                SELECT kind, subject, severity, message, found_at, run_id, found_at, run_id FROM {_NEWEST}
                WHERE f.ok = 0 AND NOT EXISTS (SELECT 1 FROM incident WHERE {_OF_FINDING}) ORDER BY 1, 2""",
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
        expired = iso(self._clock() - CLAIM_EXPIRES)
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
        """Note what a person decided over a batch.

        Parameters
        ----------
        batch_seq : the number of the batch.
        decision : accept or reject.
        by : who decided.
        why : the reason that they gave.
        """
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
