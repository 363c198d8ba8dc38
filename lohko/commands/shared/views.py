"""What each reading command shows, from published rows to Rich tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.table import Table

from lohko.commands.shared.show import (
    FittingTable,
    change,
    console,
    money,
    number,
    percent,
    ratio,
    table,
    text,
)
from resources.project import Project

Rows = list[dict[str, Any]]
Cells = dict[str, Callable[[dict[str, Any]], str]]  # column -> what a row shows in it


def segment_tables(segments: Rows, currency: str) -> Iterator[Table]:
    """One table a segmentation: size, share, revenue, and what changed since the previous day."""
    for _, group in groupby(segments, key=lambda row: row["segmentation_id"]):
        found = list(group)
        since = found[0]["previous_date"]
        members = f"{found[0]['entity_kind']}s"
        yield _fitting(
            f"{text(found[0]['segmentation_name'])} ({found[0]['segmentation_id']}),"
            + (f" {members}," if members != "customers" else "")
            + f" {found[0]['as_of_date']}"
            + (f", change since {since}" if since else ""),
            {"segment": lambda row: text(row["segment_name"])},
            {
                members: _count("members"),
                "share": lambda row: percent(row["share"]),
                f"{currency} in 365d": lambda row: money(row["revenue_365d"]),
                "of total": lambda row: percent(row["revenue_share"]),
                "change": lambda row: change(row["change"]),
                "entered": lambda row: number(row["entered"]) or "–",
                "left": lambda row: number(row["departed"]) or "–",
            },
            found,
            least=("share", "of total"),
        )


def _count(column: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: number(row[column])


def _fitting(title: str, words: Cells, numbers: Cells, rows: Rows, least: Sequence[str]) -> Table:
    """A table; without the columns that are needed least where it does not fit the terminal."""

    def made(without: Sequence[str]) -> FittingTable:
        shown = {name: cell for name, cell in (words | numbers).items() if name not in without}
        cells = [[cell(row) for cell in shown.values()] for row in rows]
        return table(title, [*shown], cells, right=[*numbers])

    whole = made(())
    return whole if whole.fits(console.width) else made(least)


def unpublished_line(names: Sequence[str]) -> str:
    """How many columns are kept back because they look personal."""
    columns = "1 column looks" if len(names) == 1 else f"{len(names)} columns look"
    are = "is" if len(names) == 1 else "are"
    return f"[yellow]{columns} personal and {are} not published[/yellow]: `lohko check` names them."


def incidents_line(found: Rows) -> str:
    """How many incidents are open, by severity."""
    total = sum(row["incidents"] for row in found)
    critical = sum(row["incidents"] for row in found if row["severity"] == "critical")
    are = "incidents are" if total > 1 else "incident is"
    return f"[yellow]{total} {are} open[/yellow], {critical} critical: `lohko status` lists them."


def accounting_table(batches: Rows) -> Table:
    """Where the rows that landed went, a source and table: what stands there adds up to `landed`.

    `conflicting`, `superseded`, `deleted` and `vanished` stand there where something was: vanished are keys a
    snapshot lacks, no rows.
    """
    parts = ["accepted", "quarantined", "repeated"]
    parts += [rare for rare in ("conflicting", "superseded", "deleted") if any(row[rare] for row in batches)]
    columns = ["landed", *parts, *(["vanished"] if any(row["vanished"] for row in batches) else [])]
    return table(
        f"Rows: landed = {' + '.join(parts)}",
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


def coverage_table(coverage: Rows) -> Table:
    """How many rows and ids of each column stand in the table that they refer to."""
    return table(
        "Ids that stand in the table they refer to",
        ["source", "ids", "in", "rows known", "of", "ids known", "of", "newest batch"],
        [
            [
                row["source"],
                text(f"{row['table_name']}.{row['column_name']}"),
                row["referenced_table"],
                number(row["known_rows"]),
                number(row["named_rows"]),
                number(row["known_ids"]),
                number(row["named_ids"]),
                percent(row["newest_known_row_share"]),
            ]
            for row in coverage
        ],
        right=["rows known", "of", "ids known", "newest batch"],
    )


def without_events_line(row: dict[str, Any]) -> str:
    """How many of a table's ids no event names."""
    return (
        f"{number(row['without_events'])} of {number(row['ids'])} in {row['table_name']} have no event"
        f" ({percent(row['without_events'] / row['ids'])})"
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


# What both ROI tables say of a segment.
_RETURNED: Cells = {
    "attributed": lambda row: money(row["attributed_revenue"]),
    "margin": lambda row: money(row["margin"]),
    "cost": lambda row: money(row["cost"]),
    "ROI": lambda row: ratio(row["roi"]),
    "before": lambda row: ratio(row["roi_previous"]),
}


def roi_month_table(rows: Rows, currency: str) -> Table:
    """Attributed ROI a month and segment."""
    return _fitting(
        f"Attributed, not incremental: ROI a month and segment ({currency})",
        {
            "month": lambda row: f"{row['month']:%Y-%m}{'' if row['complete'] else ' (running)'}",
            "segment": lambda row: text(row["segment_name"]),
        },
        {
            "customers": _count("customers"),
            "contacts": _count("contacts"),
            "revenue": lambda row: money(row["revenue"]),
            **_RETURNED,
            "change": lambda row: ratio(row["roi_change"]),
        },
        rows,
        least=("customers", "contacts", "revenue", "margin", "change"),
    )


def roi_campaign_table(rows: Rows, currency: str) -> Table:
    """Attributed ROI a campaign and segment."""
    return _fitting(
        f"Attributed, not incremental: ROI a campaign and segment ({currency})",
        {
            "campaign": lambda row: (
                text(row["campaign_name"]) + ("" if row["status"] == "complete" else f" ({row['status']})")
            ),
            "type": lambda row: text(row["campaign_type"]),
            "days": lambda row: f"{row['start_date']} – {row['end_date']}",
            "segment": lambda row: text(row["segment_name"]),
        },
        {
            "contacted": _count("contacted"),
            "responded": _count("responders"),
            **_RETURNED,
        },
        rows,
        least=("type", "days", "margin", "before"),
    )


def drift_table(rows: Rows) -> Table:
    """Verdicts of drift."""
    colours = {"alert": "red", "warn": "yellow", "ok": "green"}
    return _fitting(
        "Drift" + (f" since {rows[0]['baseline_date']} ({rows[0]['baseline_basis']})" if rows else ""),
        {
            "verdict": lambda row: f"[{colours.get(row['verdict'], 'default')}]{row['verdict']}[/]",
            "segment": _where,
            "what": lambda row: row["feature"] or "shares of the segments",
        },
        {
            "PSI": lambda row: "" if row["psi"] is None else f"{row['psi']:.3f}",
            "q": lambda row: "" if row["q_value"] is None else f"{row['q_value']:.1e}",
            "customers before": _count("n_baseline"),
            "now": _count("n_current"),
        },
        rows,
        least=("customers before", "now"),
    )


def _where(row: dict[str, Any]) -> str:
    if row["segmentation_id"] is None:
        return "all customers"
    if row["segment_id"] is None:
        return text(row["segmentation_id"])
    return text(f"{row['segmentation_id']}: {row['segment_name'] or row['segment_id']}")
