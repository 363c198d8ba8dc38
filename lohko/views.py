"""What each reading command shows, from published rows to Rich tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from rich.table import Table

from lohko.show import change, console, money, number, percent, ratio, table, text
from resources.project import Project

Rows = list[dict[str, Any]]
# In a narrower terminal shares are left out, so that names are not broken within a word.
WIDE = 100


def segment_tables(segments: Rows, currency: str) -> Iterator[Table]:
    """One table a segmentation: size, share, revenue, and what changed since the previous day."""
    for (entity, _), group in groupby(segments, key=lambda row: (row["entity"], row["segmentation_id"])):
        found = list(group)
        since = found[0]["previous_date"]
        size = f"{entity}s"
        cells = _segment_cells(size, currency)
        yield table(
            f"{text(found[0]['segmentation_name'])} ({found[0]['segmentation_id']}),"
            + (f" {size}," if entity != "customer" else "")
            + f" {found[0]['as_of_date']}"
            + (f", change since {since}" if since else ""),
            ["segment", *cells],
            [[text(row["segment_name"]), *(cell(row) for cell in cells.values())] for row in found],
            right=[*cells],
        )


def _segment_cells(size: str, currency: str) -> dict[str, Callable[[dict[str, Any]], str]]:
    """Column -> what a segment shows in it."""
    cells: dict[str, Callable[[dict[str, Any]], str]] = {
        size: lambda row: number(row[size]),
        "share": lambda row: percent(row["share"]),
        f"{currency} in 365d": lambda row: money(row["revenue_365d"]),
        "of total": lambda row: percent(row["revenue_share"]),
        "change": lambda row: change(row["change"]),
        "entered": lambda row: number(row["entered"]) or "–",
        "left": lambda row: number(row["departed"]) or "–",
    }
    if console.width < WIDE:
        del cells["share"], cells["of total"]
    return cells


def incidents_line(found: Rows) -> str:
    """How many incidents are open, by severity."""
    total = sum(row["incidents"] for row in found)
    critical = sum(row["incidents"] for row in found if row["severity"] == "critical")
    are = "incidents are" if total > 1 else "incident is"
    return f"[yellow]{total} {are} open[/yellow], {critical} critical: `lohko status` lists them."


def accounting_table(batches: Rows) -> Table:
    """Rows landed = accepted + quarantined + superseded + deleted, a source and table.

    `deleted` and `vanished` stand there where something was: vanished are keys a snapshot lacks, no rows.
    """
    columns = ["landed", "accepted", "quarantined", "superseded"]
    columns += [gone for gone in ("deleted", "vanished") if any(row[gone] for row in batches)]
    deleted = " + deleted" if "deleted" in columns else ""
    return table(
        f"Rows: landed = accepted + quarantined + superseded duplicates{deleted}",
        ["source", "table", *columns],
        [[row["source"], row["table_name"], *(number(row[c]) for c in columns)] for row in batches],
        right=columns,
    )


def quality_table(quality: Rows) -> Table:
    """The checks that did not pass."""
    return table(
        "Quality checks that did not pass",
        ["severity", "source", "expected", "rows that do not", "of"],
        [
            [
                f"[red]{row['severity']}[/red]" if row["severity"] == "critical" else row["severity"],
                row["source"],
                text(row["description"]),
                number(row["unexpected_count"]),
                number(row["element_count"]),
            ]
            for row in quality
        ],
        right=["rows that do not", "of"],
    )


def freshness_table(freshness: Rows) -> Table:
    """The newest event of each source."""
    colours = {"fresh": "green", "stale": "yellow", "failed": "red"}
    return table(
        "Freshness (newest event, never the last run)",
        ["source", "newest event", "age in days", "limits (warn/fail)", "status"],
        [
            [
                row["source"],
                row["watermark_date"] or "–",
                number(row["age_days"]),
                "–"
                if row["warn_after_days"] is None
                else f"{row['warn_after_days']}/{row['fail_after_days']}",
                f"[{colours.get(row['status'], 'default')}]{row['status']}[/]",
            ]
            for row in freshness
        ],
        right=["age in days"],
    )


# What of a file's dialect decides about values, and how the settings of a column are called.
_SNIFFED = {
    "delimiter": "delimiter",
    "encoding": "encoding",
    "decimal_mark": "decimal mark",
    "header": "header",
}
_CHARACTERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", ".": "point"}


def sniffed_table(files: Rows) -> Table | None:
    """What of the newest file of each source was sniffed; None where everything was stated.

    A cell is empty where the setting was stated or the format has none.
    """
    found = [(row, set((row["sniffed"] or "").split(", "))) for row in files]
    shown = [
        [row["source"], text(row["path"]), *(_sniffed(row[c]) if c in names else "" for c in _SNIFFED)]
        for row, names in found
        if names & _SNIFFED.keys()
    ]
    if not shown:
        return None
    return table(
        "Sniffed, not stated in the source (newest file of each)",
        ["source", "file", *_SNIFFED.values()],
        shown,
    )


def _sniffed(value: Any) -> str:
    """A setting for a person; no number of the file has said its decimal mark where that is empty."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _CHARACTERS.get(value) or text(value) or "undecided"


def held_part(part: dict[str, Any]) -> str:
    """What stays, as of when, and since when."""
    day = f"as of {part['as_of_date']}" if part["as_of_date"] else "unpublished"
    return f"{part['kind']} {text(part['part'])} {day}, held since {part['held_since']:%Y-%m-%d %H:%M} UTC"


def outputs_table(project: Project) -> Table:
    """Where everything is."""
    current = project.current
    return table(
        "Outputs",
        ["for", "where"],
        [
            ["analysts (DuckDB, read-only)", current / "lohko.duckdb"],
            ["Parquet", current / "parquet"],
            ["CSV", current / "csv"],
            ["report", current / "report.html"],
            ["manifest", current / "manifest.json"],
        ],
    )


def roi_month_table(rows: Rows, currency: str) -> Table:
    """Attributed ROI a month and segment."""
    columns = ["customers", "contacts", "revenue", "attributed", "margin", "cost", "ROI", "before", "change"]
    return table(
        f"Attributed, not incremental: ROI a month and segment ({currency})",
        ["month", "segment", *columns],
        [
            [
                f"{row['month']:%Y-%m}{'' if row['complete'] else ' (running)'}",
                text(row["segment_name"]),
                number(row["customers"]),
                number(row["contacts"]),
                money(row["revenue"]),
                money(row["attributed_revenue"]),
                money(row["margin"]),
                money(row["cost"]),
                ratio(row["roi"]),
                ratio(row["roi_previous"]),
                ratio(row["roi_change"]),
            ]
            for row in rows
        ],
        right=columns,
    )


def roi_campaign_table(rows: Rows, currency: str) -> Table:
    """Attributed ROI a campaign and segment."""
    columns = ["contacted", "responded", "attributed", "margin", "cost", "ROI", "before"]
    return table(
        f"Attributed, not incremental: ROI a campaign and segment ({currency})",
        ["campaign", "type", "days", "segment", *columns],
        [
            [
                text(row["campaign_name"]) + ("" if row["status"] == "complete" else f" ({row['status']})"),
                text(row["campaign_type"]),
                f"{row['start_date']} – {row['end_date']}",
                text(row["segment_name"]),
                number(row["contacted"]),
                number(row["responders"]),
                money(row["attributed_revenue"]),
                money(row["margin"]),
                money(row["cost"]),
                ratio(row["roi"]),
                ratio(row["roi_previous"]),
            ]
            for row in rows
        ],
        right=columns,
    )


def drift_table(rows: Rows) -> Table:
    """Verdicts of drift."""
    colours = {"alert": "red", "warn": "yellow", "ok": "green"}
    return table(
        "Drift" + (f" since {rows[0]['baseline_date']} ({rows[0]['baseline_basis']})" if rows else ""),
        ["verdict", "segment", "what", "PSI", "q", "customers before", "now"],
        [
            [
                f"[{colours.get(row['verdict'], 'default')}]{row['verdict']}[/]",
                _where(row),
                row["feature"] or "shares of the segments",
                "" if row["psi"] is None else f"{row['psi']:.3f}",
                "" if row["q_value"] is None else f"{row['q_value']:.1e}",
                number(row["n_baseline"]),
                number(row["n_current"]),
            ]
            for row in rows
        ],
        right=["PSI", "q", "customers before", "now"],
    )


def _where(row: dict[str, Any]) -> str:
    if row["segmentation_id"] is None:
        return "all customers"
    if row["segment_id"] is None:
        return text(row["segmentation_id"])
    return text(f"{row['segmentation_id']}: {row['segment_name'] or row['segment_id']}")
