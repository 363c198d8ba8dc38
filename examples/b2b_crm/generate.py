"""Make the data of this example: a wholesaler of workshop supplies and its business customers.

    python examples/b2b_crm/generate.py [--scale 1] [--seed 7] [--through 2025-12-30] [--into DIR]

Everything known by the end of the last day is written as its systems would deliver it: what came until
2025-12-28 in one file each, then one file a day; the CRM's full exports are written anew each time. The same
seed and scale give the same bytes, and a later `--through` leaves the files of earlier days as they were.

Belongs here: the order in which things are made and how files are written. What is made stands in
`generator/world/`, how the files show it in `generator/files/`, one SELECT each. The work is done inside
DuckDB, which streams to disk: `--scale 100` needs time, not memory.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipelines.engine import connect

HERE = Path(__file__).parent
SQL = HERE / "generator"
ACCOUNTS_A_SCALE = 1200
FIRST_DAY = date(2024, 1, 1)
# What was delivered until this day comes in one file; after it, every day has a file of its own.
HISTORY_UNTIL = date(2025, 12, 28)
# No company is founded after this day, so nothing new would come.
LAST_DAY = date(2026, 12, 31)
DEFAULT_THROUGH = date(2025, 12, 30)

# In the order in which one is made from another; those that others read often are tables.
WORLD = {
    "products": "table",
    "accounts": "table",
    "places": "view",
    "sites": "table",
    "groups": "table",
    "campaigns": "table",
    "audience": "table",
    "contacts": "table",
    "consents": "view",
    "orders": "table",
    "order_lines": "view",
    "leads": "view",
    "opportunities": "view",
    "interactions": "view",
    "survey_answers": "view",
    "feedback": "view",
    "spend": "view",
}
CSV = "format csv, header true"
SEMICOLONS = f"{CSV}, delimiter ';'"
JSON_LINES = "format json"
PARQUET = "format parquet"


@dataclass(frozen=True)
class Delivery:
    """How one export is written; `daily` ones have a folder with a file a day, others one file."""

    name: str
    ending: str
    options: str
    daily: bool


DELIVERIES = (
    Delivery("accounts", "csv", SEMICOLONS, daily=False),
    Delivery("contacts", "jsonl", JSON_LINES, daily=False),
    Delivery("products", "parquet", PARQUET, daily=False),
    Delivery("campaigns", "csv", CSV, daily=False),
    Delivery("leads", "jsonl", JSON_LINES, daily=False),
    Delivery("orders", "csv", SEMICOLONS, daily=True),
    Delivery("order_lines", "parquet", PARQUET, daily=True),
    Delivery("campaign_contacts", "csv", CSV, daily=True),
    Delivery("campaign_responses", "csv", CSV, daily=True),
    Delivery("opportunities", "jsonl", JSON_LINES, daily=True),
    Delivery("interactions", "parquet", PARQUET, daily=True),
    Delivery("survey_answers", "csv", CSV, daily=True),
    Delivery("feedback", "jsonl", JSON_LINES, daily=True),
    Delivery("consents", "csv", CSV, daily=True),
    Delivery("spend", "csv", SEMICOLONS, daily=True),
)


def generate(
    into: Path, *, scale: float = 1, seed: int = 7, through: date = DEFAULT_THROUGH
) -> dict[str, Any]:
    """Write every file into a folder, which is replaced whole, and return the totals.

    Parameters
    ----------
    into : the folder; what stood there before is gone afterwards.
    scale : 1 is 1,200 companies, not all of them founded yet; it may be a fraction.
    seed : another seed, other companies.
    through : the last day known, from 2024-01-01 to 2026-12-31.

    Returns
    -------
    The figures a correct reading of the files comes to, as in `totals.json`.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    # Made beside the folder and swapped in: who reads it never finds half of it.
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".generating-") as work:
        made = Path(work) / "data"
        with connect(config={"temp_directory": str(Path(work) / "spilled")}) as con:
            _make_world(con, round(ACCOUNTS_A_SCALE * scale), seed, through)
            for delivery in DELIVERIES:
                _write(con, delivery, made, through)
            totals = _totals(con) | {"scale": scale, "seed": seed, "through": str(through)}
        (made / "totals.json").write_text(json.dumps(totals, indent=2) + "\n", encoding="utf-8")
        if into.exists():
            shutil.rmtree(into)
        made.rename(into)
    return totals


def _make_world(con: duckdb.DuckDBPyConnection, accounts: int, seed: int, through: date) -> None:
    con.execute("set TimeZone = 'UTC'")
    for name, value in {"accounts": accounts, "seed": seed, "through": through}.items():
        con.execute(f"set variable {name} = $value", {"value": value})
    con.execute((SQL / "chance.sql").read_text(encoding="utf-8"))
    for name, kind in WORLD.items():
        con.execute(f"create {kind} {name} as {_select('world', name)}")


def _select(folder: str, name: str) -> str:
    return (SQL / folder / f"{name}.sql").read_text(encoding="utf-8").strip()


def _write(con: duckdb.DuckDBPyConnection, delivery: Delivery, folder: Path, through: date) -> None:
    """Write one export; a day without a row has no file, as there is nothing to send."""
    select = _select("files", delivery.name)
    if not delivery.daily:
        folder.mkdir(exist_ok=True)
        _copy(con, select, folder / f"{delivery.name}.{delivery.ending}", delivery.options)
        return
    home = folder / delivery.name
    home.mkdir(parents=True)
    for first, last in _spans(through):
        con.execute("set variable first = $day", {"day": first})
        con.execute("set variable last = $day", {"day": last})
        path = home / f"{last}.{delivery.ending}"
        if not _copy(con, select, path, delivery.options):
            path.unlink()


def _spans(through: date) -> Iterator[tuple[date, date]]:
    """First and last day of each file: the history, then single days."""
    yield FIRST_DAY, min(HISTORY_UNTIL, through)
    day = HISTORY_UNTIL + timedelta(days=1)
    while day <= through:
        yield day, day
        day += timedelta(days=1)


def _copy(con: duckdb.DuckDBPyConnection, select: str, path: Path, options: str) -> int:
    """Write the rows of a SELECT to a file; returns their number."""
    target = str(path).replace("'", "''")
    row = con.execute(f"copy ({select}) to '{target}' ({options})").fetchone()
    return int(row[0]) if row else 0


def _totals(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    cursor = con.execute(_select(".", "totals"))
    return dict(zip([column[0] for column in cursor.description], cursor.fetchone() or (), strict=True))


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"{day} lies outside {FIRST_DAY} to {LAST_DAY}")
    return day


def _scale(text: str) -> float:
    scale = float(text)
    if round(ACCOUNTS_A_SCALE * scale) < 1:
        raise argparse.ArgumentTypeError(f"{text} makes no company; 1 makes {ACCOUNTS_A_SCALE}")
    return scale


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the data of the B2B example.")
    parser.add_argument("--scale", type=_scale, default=1.0, help="1 is 1,200 companies (default)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--through", type=_day, default=DEFAULT_THROUGH, help="the last day known")
    parser.add_argument("--into", type=Path, default=HERE / "data")
    given = parser.parse_args()
    totals = generate(given.into, scale=given.scale, seed=given.seed, through=given.through)
    sys.stdout.write(
        f"{given.into}: {totals['accounts']:,} accounts, {totals['orders']:,} orders,"
        f" {totals['order_lines']:,} lines, revenue {totals['revenue_completed']} EUR,"
        f" through {given.through}\n"
    )


if __name__ == "__main__":
    main()
