"""Sections of the page: what the marts say, joined with its charts, ready for the template."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from pipelines.report import charts, charts_roi, data
from pipelines.report.svg import Drawing

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]
Draw = Callable[[Row, str], Drawing]


def segmentation(con: duckdb.DuckDBPyConnection, found: Row, draw: Draw) -> Row:
    """One segmentation: its segments, their totals, and three charts where there is something to draw."""
    segments: list[Row] = found["segments"]
    names = _names(found)
    days = data.history(con, found["id"])
    moves = data.movement(con, found["id"])
    name, overlap = found["name"], _overlap(found)
    members = f"{found['entity'].capitalize()}s"
    columns = ("members", "customers", "revenue_365d", "change", "entered", "departed")
    return {
        **found,
        "overlap": overlap,
        "totals": None if overlap else _totals(segments, columns),
        "day_count": len({row["as_of_date"] for row in days}),
        "has_replayed": any(row["basis"] == "replayed" for row in days),
        "history": draw(charts.history(days), f"{members} over time by segment, {name}")
        if len({row["as_of_date"] for row in days}) > 1
        else None,
        "revenue": draw(charts.revenue(segments), f"Share of revenue by segment, {name}")
        if any(row["revenue_365d"] for row in segments)
        else None,
        "movement": draw(
            charts.movement(moves, names, overlap, found["entity"]),
            f"{members} moving between segments, {name}",
        )
        if any(row["members"] for row in moves)
        else None,
        "moves": _move_facts(moves),
    }


def _overlap(found: Row) -> bool:
    """Whether one may be in several of the segments: then there is no total of them."""
    return found["segments"][0].get("exclusive") is False


def _move_facts(moves: list[Row]) -> Row | None:
    """The sentence under the matrix: who stayed, who moved, who is new."""
    if not moves:
        return None
    known = [row for row in moves if row["from_segment_id"] is not None]
    stayed = sum(row["members"] for row in known if row["from_segment_id"] == row["to_segment_id"])
    return {
        "from_date": moves[0]["from_date"],
        "to_date": moves[0]["to_date"],
        "stayed": stayed,
        "moved": sum(row["members"] for row in known) - stayed,
        "new": sum(row["members"] for row in moves if row["from_segment_id"] is None),
    }


def roi(con: duckdb.DuckDBPyConnection, segmentations: list[Row], draw: Draw) -> list[Row]:
    """The return on campaigns under each segmentation that has any; first one whose segments add up."""
    found = [_roi_of(con, item, draw) for item in sorted(segmentations, key=_overlap)]
    return [item for item in found if item["months"] or item["campaigns"] or item["campaign_map"]]


def _roi_of(con: duckdb.DuckDBPyConnection, found: Row, draw: Draw) -> Row:
    months = _month_labels(data.roi_months(con, found["id"]))
    complete = [row["month"] for row in months if row["complete"]]
    latest = [row for row in months if row["month"] == max(complete)] if complete else []
    names, overlap = _names(found), _overlap(found)
    cells = data.roi_campaign_cells(con, found["id"])
    return {
        "id": found["id"],
        "name": found["name"],
        "months": months,
        "latest": latest,
        "latest_total": _month_total(months, complete) if latest and not overlap else None,
        "running": sorted({row["month"] for row in months if not row["complete"]}),
        "overlap": overlap,
        "campaigns": [] if overlap else data.roi_campaigns(con, found["id"]),
        "month_map": draw(charts_roi.roi_months(months, names), f"ROI by segment and month, {found['name']}")
        if _any_roi(months)
        else None,
        "campaign_map": draw(
            charts_roi.roi_campaigns(cells, names), f"ROI by segment and campaign, {found['name']}"
        )
        if _any_roi(cells)
        else None,
    }


_ROI_SUMS = ("customers", "attributed_revenue", "margin", "cost", "profit", "revenue")


def _any_roi(found: list[Row]) -> bool:
    return any(row["roi"] is not None for row in found)


def _month_labels(months: list[Row]) -> list[Row]:
    """`2026-07`, and under it what is wrong with a month that is not whole."""
    newest = max((row["month"] for row in months), default=None)
    for row in months:
        mark = "" if row["complete"] else " running" if row["month"] == newest else " partial"
        row["label"] = f"{row['month']:%Y-%m}{mark}"
    return months


def _month_total(months: list[Row], complete: list[date]) -> Row:
    """All segments of the latest complete month, and how their ROI changed from the month before.

    The ROI of a sum is computed from the sums; a mean of ratios would mislead.
    """
    latest, *earlier = sorted(set(complete), reverse=True)
    total, before = (_month_sums(months, month) for month in (latest, earlier[0] if earlier else None))
    total["roi_previous"] = before["roi"]
    known = total["roi"] is not None and before["roi"] is not None
    total["roi_change"] = total["roi"] - before["roi"] if known else None
    return total


def _month_sums(months: list[Row], month: date | None) -> Row:
    total = _totals([row for row in months if row["month"] == month], _ROI_SUMS)
    total["roi"] = (total["margin"] - total["cost"]) / total["cost"] if total["cost"] else None
    return total


# Kind of deal -> what many of them are called, and how one ends well or badly.
_DEALS = {"opportunity": ("Deals", "won", "lost"), "lead": ("Leads", "converted", "disqualified")}


def pipeline(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Leads and deals by month and stage; only the kinds of which there are any."""
    months, stages = data.deals_of_month(con), data.deals_at_stage(con)
    return [
        _deals(whole, [row for row in months if row["deal_kind"] == kind], stages)
        for kind in _DEALS
        for whole in stages
        if whole["deal_kind"] == kind and whole["stage"] is None
    ]


def _deals(whole: Row, months: list[Row], stages: list[Row]) -> Row:
    """One kind of deal; `earlier` where months that are not shown have some."""
    name, won, lost = _DEALS[whole["deal_kind"]]
    shown = _totals(months, ("entered", "departed"))
    return {
        "name": name,
        "won": won,
        "lost": lost,
        "all": whole,
        "months": months,
        "earlier": any(whole[column] != count for column, count in shown.items()),
        "stages": [row for row in stages if row["deal_kind"] == whole["deal_kind"] and row["stage"]],
    }


def drift(con: duckdb.DuckDBPyConnection) -> Row:
    found = data.drift(con)
    return {
        "checks": found,
        "moved": [row for row in found if row["verdict"] in ("alert", "warn")],
        "undecided": [row for row in found if row["verdict"] == "not enough data"],
        "day": found[0]["as_of_date"] if found else None,
        "baseline": found[0]["baseline_date"] if found else None,
        "basis": found[0]["baseline_basis"] if found else None,
    }


def quality(con: duckdb.DuckDBPyConnection) -> Row:
    checks = data.checks(con)
    accounting = data.accounting(con)
    restatements = data.restatements(con)
    left_out = ("repeated", "conflicting", "superseded")
    parts = ("accepted", "quarantined", *left_out, "deleted", "rejected")
    columns = ("batches", "files", "landed", *parts, "missing", "vanished")
    return {
        "checks": checks,
        "failed": [row for row in checks if not row["passed"]],
        "passed": [row for row in checks if row["passed"]],
        "accounting": accounting,
        "accounting_total": _totals(accounting, columns),
        "rejected_batches": data.rejected_batches(con),
        "reasons": data.quarantine_reasons(con),
        "guests": data.guests(con),
        "bridge": data.bridge(con),
        "coverage": data.coverage(con),
        "coverage_of_events": data.coverage_of_events(con),
        "freshness": data.freshness(con),
        "held": data.held(con),
        "restatements": restatements,
        "restated_total": _totals(restatements, ("revenue_before", "revenue_after", "revenue_change")),
    }


def _names(found: Row) -> list[str]:
    return [row["segment_name"] for row in found["segments"]]


def _totals(found: list[Row], columns: tuple[str, ...]) -> Row:
    """Sums; None where no row knows the value."""
    total: Row = {}
    for column in columns:
        known = [row[column] for row in found if row[column] is not None]
        total[column] = sum(known) if known else None
    return total
