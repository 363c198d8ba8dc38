"""The log of runs: which business day each was for, what started it, when it ran, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from resources.control_file import ControlFile, iso

Status = Literal["running", "success", "held", "failed"]


@dataclass(frozen=True)
class Run:
    """One run, as `lohko status` tells it; `finished_at` is empty while it runs or when it was killed.

    `trigger` is what started it: command, schedule, backfill, sensor, automation or manual. `scope` is empty
    for a run of every asset, and says how many it was otherwise.
    """

    run_id: str
    as_of_date: str
    started_at: str
    finished_at: str | None
    status: Status
    trigger: str
    message: str
    scope: str = ""


class RunLog(ControlFile):
    """What ran, and the earliest business day that is known."""

    def start_run(self, run_id: str, as_of_date: date, trigger: str, scope: str = "") -> None:
        """Note that a run began; a run that is resumed under its identifier begins again.

        Parameters
        ----------
        as_of_date : the business day of the run.
        trigger : what started the run, such as schedule or command.
        scope : what the run covers.
        """
        with self._write() as sql:
            sql.execute(
                """INSERT INTO run_log (run_id, as_of_date, started_at, status, "trigger", scope)
                VALUES (?, ?, ?, 'running', ?, ?) ON CONFLICT (run_id) DO UPDATE SET status = 'running',
                as_of_date = excluded.as_of_date, started_at = excluded.started_at, finished_at = NULL,
                "trigger" = excluded."trigger", scope = excluded.scope, message = ''""",
                (run_id, as_of_date.isoformat(), self._now(), trigger, scope),
            )

    def finish_run(
        self,
        run_id: str,
        status: Status,
        message: str = "",
        *,
        started_at: datetime | None = None,
        finished_at: datetime | None = None,
    ) -> None:
        """Note how a run ended.

        Parameters
        ----------
        status : how it ended.
        message : what a person should know of it.
        started_at, finished_at : when it really did, if that was not noted at the time or is not now.

        Raises
        ------
        LookupError
            When it was never started.
        """
        ended = iso(finished_at) if finished_at else self._now()
        began = iso(started_at) if started_at else None
        with self._write() as sql:
            done = sql.execute(
                "UPDATE run_log SET started_at = COALESCE(?, started_at), finished_at = ?, status = ?,"
                " message = ? WHERE run_id = ?",
                (began, ended, status, message, run_id),
            )
            if done.rowcount == 0:
                raise LookupError(f"run {run_id} was never started")

    def runs(self, limit: int = 20) -> list[Run]:
        """The latest runs, the latest first."""
        query = "SELECT * FROM run_log ORDER BY started_at DESC, rowid DESC LIMIT ?"
        return [Run(**row) for row in self._rows(query, limit)]

    def run(self, run_id: str) -> Run | None:
        """One run; None when it is not in the log."""
        query = "SELECT * FROM run_log WHERE run_id = ?"
        return next((Run(**row) for row in self._rows(query, run_id)), None)

    def unfinished_runs(self) -> list[Run]:
        """The runs whose end is not in the log, the oldest first."""
        query = "SELECT * FROM run_log WHERE status = 'running' ORDER BY started_at, rowid"
        return [Run(**row) for row in self._rows(query)]

    def last_run(self, status: Status | None = None) -> Run | None:
        """The latest run, or the latest that ended with `status`."""
        query = """SELECT * FROM run_log WHERE ?1 IS NULL OR status = ?1
            ORDER BY started_at DESC, rowid DESC LIMIT 1"""
        return next((Run(**row) for row in self._rows(query, status)), None)

    def learn_day(self, day: date) -> None:
        """Note a business day that accepted rows are of; the earliest is kept."""
        with self._write() as sql:
            sql.execute(
                "INSERT INTO first_day VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET"
                " business_date = min(business_date, excluded.business_date)",
                (day.isoformat(),),
            )

    def first_day_of_rows(self) -> date | None:
        """The earliest business day that accepted rows are of; None before any were."""
        return self._first("SELECT business_date AS day FROM first_day")

    def first_day_of_runs(self) -> date | None:
        """The earliest business day that a run was for; None before the first."""
        return self._first("SELECT min(as_of_date) AS day FROM run_log")

    def _first(self, query: str) -> date | None:
        found = [row["day"] for row in self._rows(query) if row["day"] is not None]
        return date.fromisoformat(found[0]) if found else None
