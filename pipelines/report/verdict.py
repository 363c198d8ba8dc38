"""Is all well? One tile for each thing that can be wrong, and one sentence over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.report.formats import NOTHING, compact, number, plural

Row = dict[str, Any]

RANK = {"none": 0, "ok": 1, "warn": 2, "alert": 3}
MARKS = {"none": "", "ok": "●", "warn": "▲", "alert": "■"}  # the shape says it without colour


@dataclass(frozen=True)
class Tile:
    """A headline number; `state` is none (nothing to assess), ok, warn or alert."""

    label: str
    value: str
    note: str
    state: str = "none"
    anchor: str = ""
    trouble: str = ""  # how the sentence over the tiles names it

    @property
    def mark(self) -> str:
        return MARKS[self.state]


@dataclass(frozen=True)
class Verdict:
    state: str
    sentence: str
    tiles: list[Tile]

    @property
    def mark(self) -> str:
        return MARKS[self.state]


def sum_up(
    run: Row | None,
    currency: str,
    incidents: list[Row],
    freshness: list[Row],
    checks: list[Row],
    drift: list[Row],
) -> Verdict:
    """The tiles of the page's head and the sentence that sums them up.

    Parameters
    ----------
    run : the run that the report describes; None if there is none.
    currency : the project's currency, an ISO 4217 code.
    incidents : open incidents.
    freshness : rows of `marts.freshness`.
    checks : rows of `marts.quality`.
    drift : rows of `marts.drift`.
    """
    judged = [_incidents(incidents), _freshness(freshness), _quality(checks), _drift(drift)]
    worst = max((tile.state for tile in judged), key=RANK.__getitem__)
    if worst == "ok" and (run is None or all(tile.state == "none" for tile in judged[1:])):
        worst = "none"  # no incident is no comfort where nobody looked
    return Verdict(worst, _sentence(worst, judged), [*_sizes(run, currency), *judged])


def _sentence(worst: str, judged: list[Tile]) -> str:
    if worst == "none":
        return "Nothing has been checked yet."
    if worst == "ok":
        unknown = [tile.label.lower() for tile in judged if tile.state == "none"]
        return f"Nothing is wrong; not measured: {', '.join(unknown)}." if unknown else "All is well."
    wrong = [tile.trouble for tile in judged if tile.state in ("warn", "alert")]
    opening = "Needs attention" if worst == "alert" else "Worth a look"
    return f"{opening}: {', '.join(wrong)}."


def _sizes(run: Row | None, currency: str) -> list[Tile]:
    if run is None:
        return [Tile("Customers", NOTHING, "no run recorded"), Tile("Revenue, 365 days", NOTHING, "")]
    customers, revenue = run["customers"] or 0, run["revenue_365d"]
    each = f"{currency} {number(revenue / customers)} a customer" if customers and revenue is not None else ""
    orders = f"{number(run['orders_365d'])} orders"
    return [
        Tile("Customers", number(run["customers"]), orders, anchor="segments"),
        Tile("Revenue, 365 days", f"{currency} {compact(revenue)}", each, anchor="segments"),
    ]


def _incidents(incidents: list[Row]) -> Tile:
    critical = sum(row["severity"] == "critical" for row in incidents)
    state = "alert" if critical else "warn" if incidents else "ok"
    note = f"{critical} critical" if critical else "none critical" if incidents else "nothing to act on"
    trouble = plural(len(incidents), "open incident")
    return Tile(
        "Open incidents", number(len(incidents)), note, state, "incidents" if incidents else "", trouble
    )


def _freshness(freshness: list[Row]) -> Tile:
    if not freshness:
        return Tile("Stale sources", NOTHING, "no source is watched", anchor="freshness")
    failed = sum(row["status"] == "failed" for row in freshness)
    stale = sum(row["status"] == "stale" for row in freshness)
    empty = sum(row["status"] == "no data" for row in freshness)
    state = "alert" if failed else "warn" if stale or empty else "ok"
    parts = [f"{failed} past the last limit" if failed else "", f"{empty} without data" if empty else ""]
    note = ", ".join(part for part in parts if part) or f"of {plural(len(freshness), 'table')} watched"
    late, missing = plural(failed + stale, "stale source"), plural(empty, "source") + " without data"
    trouble = ", ".join(text for text, count in ((late, failed + stale), (missing, empty)) if count)
    return Tile("Stale sources", number(failed + stale), note, state, "freshness", trouble)


def _quality(checks: list[Row]) -> Tile:
    if not checks:
        return Tile("Quality failures", NOTHING, "no checks ran", anchor="quality")
    failed = [row for row in checks if not row["passed"]]
    critical = sum(row["severity"] == "critical" for row in failed)
    state = "alert" if critical else "warn" if failed else "ok"
    note = f"{critical} critical, " if critical else "advisory, " if failed else ""
    note += f"of {plural(len(checks), 'check')}"
    trouble = plural(len(failed), "quality failure")
    return Tile("Quality failures", number(len(failed)), note, state, "quality", trouble)


def _drift(drift: list[Row]) -> Tile:
    if not drift:
        return Tile("Drift", NOTHING, "not measured", anchor="drift")
    alerts = sum(row["verdict"] == "alert" for row in drift)
    warnings = sum(row["verdict"] == "warn" for row in drift)
    if all(row["verdict"] == "not enough data" for row in drift):
        return Tile("Drift", NOTHING, "not enough data yet", anchor="drift")
    state = "alert" if alerts else "warn" if warnings else "ok"
    value = number(alerts + warnings) if alerts or warnings else "quiet"
    note = f"{alerts} strong, " if alerts else "mild, " if warnings else ""
    note += f"of {plural(len(drift), 'check')}"
    return Tile("Drift", value, note, state, "drift", plural(alerts + warnings, "sign") + " of drift")
