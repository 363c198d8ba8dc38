"""The commands that read, on what one run has published: for people, and as JSON for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.shop import Shop

from resources.locks import hold

pytestmark = pytest.mark.alone


def test_a_run_shows_segments_rows_freshness_and_where_everything_is(shop: Shop) -> None:
    ended = shop.lohko("run")
    assert ended.code == 0, ended.err
    for part in ("Lifecycle (lifecycle), 2026-03-30, change since 2026-03-29", "Value tier", "shop_orders"):
        assert part in ended.out
    for part in ("Every quality check passed", "fresh", "report.html", "lohko.duckdb"):
        assert part in ended.out
    assert "segments and their history" in ended.err and "2026-03-30 done" in ended.err
    assert (shop.project.current / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_a_run_as_json_carries_the_same(shop: Shop) -> None:
    ended = shop.lohko("run", "--json")
    assert (ended.code, ended.err) == (0, "")
    facts = ended.json
    assert [(run["day"], run["held"]) for run in facts["runs"]] == [("2026-03-30", [])]
    assert facts["run"]["run_id"] == facts["runs"][0]["run_id"]
    assert facts["run"]["previous_date"] == "2026-03-29"
    assert {row["segmentation_id"] for row in facts["segments"]} == {"lifecycle", "value_tier"}
    assert [row["status"] for row in facts["freshness"]] == ["fresh"]
    assert facts["outputs"] == str(shop.project.current)


def test_status_tells_the_last_run_and_what_is_published(shop: Shop) -> None:
    facts = shop.lohko("status", "--json").json
    assert facts["last_run"]["status"] == "success" and facts["last_run"]["as_of_date"] == "2026-03-29"
    assert facts["published"]["run_id"] == facts["last_run"]["run_id"]
    assert (facts["held"], facts["incidents"], facts["undelivered_alerts"]) == ([], [], 0)
    assert {row["source"] for row in facts["batches"]} == {"crm", "shop_orders"}
    ended = shop.lohko("status")
    assert ended.code == 0 and "Published  2026-03-29 revision 1, 40 customers" in ended.out


def test_status_before_the_first_run_says_so(new_shop: Shop) -> None:
    ended = new_shop.lohko("status")
    assert ended.code == 0 and "No run yet" in ended.out and "nothing yet" in ended.out
    assert new_shop.lohko("status", "--json").json["last_run"] is None


def test_segments_shows_all_or_the_one_asked_for(shop: Shop) -> None:
    rows = shop.lohko("segments", "--json").json
    assert sum(row["members"] for row in rows if row["segmentation_id"] == "lifecycle") == 40
    assert {r["segmentation_id"] for r in shop.lohko("segments", "-s", "lifecycle", "--json").json} == {
        "lifecycle"
    }
    assert {row["entity_kind"] for row in rows} == {"customer"}
    assert "ccount" not in shop.lohko("segments").out, "this project has no accounts"
    shown = shop.lohko("segments", "-s", "value_tier").out
    assert "Middle" in shown and "Lapsed" not in shown


def test_query_answers_from_the_published_tables(shop: Shop) -> None:
    sql = "select count(*) as customers, sum(revenue_365d) as revenue from marts.customer"
    (row,) = shop.lohko("query", sql, "--json").json
    assert row["customers"] == 40 and float(row["revenue"]) > 0
    assert "customers" in shop.lohko("query", sql).out
    as_of = shop.lohko("query", "from marts.membership_as_of('lifecycle', date '2026-03-29')", "--json").json
    assert len(as_of) == 40
    limited = shop.lohko("query", "from marts.customer", "--limit", 5).out
    assert "5 of 40 rows shown" in limited
    assert shop.lohko("query", "from marts.customer where false", "--json").json == []


def test_a_query_without_an_answer_and_names_that_come_twice_are_told(shop: Shop) -> None:
    for nothing in ("", ";", "/* a remark */"):
        ended = shop.lohko("query", nothing)
        assert ended.code == 2 and "gives nothing" in ended.err, ended.err
    ended = shop.lohko("query", "select 1 as a, 2 as a", "--json")
    assert ended.code == 2 and "two columns are named a" in ended.err
    assert shop.lohko("query", "select 1 as a, 2 as a").code == 0


def test_json_has_no_nan(shop: Shop) -> None:
    sql = "select cast('nan' as double) as a, [cast('infinity' as double), 1.5] as b"
    assert shop.lohko("query", sql, "--json").json == [{"a": None, "b": [None, 1.5]}]


def test_markup_in_data_is_shown_and_not_obeyed(shop: Shop) -> None:
    assert "[red]x[/red] [/]" in shop.lohko("query", "select '[red]x[/red] [/]' as v").out


def test_roi_says_when_there_is_nothing_to_attribute(shop: Shop) -> None:
    assert "No campaign contacts" in shop.lohko("roi").out
    assert "No campaign contacts" in shop.lohko("roi", "--by", "campaign").out
    facts = shop.lohko("roi", "--by", "campaign", "--json").json
    assert facts == {"label": "attributed, not incremental", "rows": [], "left_out": []}


def test_drift_counts_what_was_checked(shop: Shop) -> None:
    every = shop.lohko("drift", "--all", "--json").json
    moved = shop.lohko("drift", "--json").json
    assert every and {row["verdict"] for row in moved} <= {"warn", "alert"} and len(moved) < len(every)
    assert f"{len(every)} checks: {len(moved)} moved" in shop.lohko("drift").out


def test_explain_tells_features_and_segments_with_their_days(shop: Shop) -> None:
    facts = shop.lohko("explain", "C001", "--json").json
    assert {one["segmentation_id"] for one in facts["segments"]} == {"lifecycle", "value_tier"}
    assert {one["entered_date"] for one in facts["segments"]} == {"2026-03-29"}
    values = {one["name"]: one["value"] for one in facts["features"]}
    assert values["orders_lifetime"] > 0 and values["country"] == "FI"
    shown = shop.lohko("explain", "C001").out
    assert "Customer C001" in shown and "in it now" in shown and "recency_days" in shown


def test_init_makes_a_project_that_passes_its_check(tmp_path: Path) -> None:
    made = Shop(tmp_path / "mine")
    ended = made.lohko("init", made.root)
    assert ended.code == 0 and "lohko" in ended.out
    checked = made.lohko("check")
    assert checked.code == 0 and "2 sources; segmentations: lifecycle, value_tier" in checked.out
    assert made.lohko("check", "--json").json == {"ok": True, "faults": [], "remarks": [], "unclassified": []}
    assert not (made.root / ".lohko").exists() and not (made.root / "published").exists()


def test_check_lists_every_fault_as_json(shop: Shop) -> None:
    shop.edit("recency_days > 90", "recency_dayz > 90", "segments/lifecycle.yaml")
    shop.deliver("orders-2.csv", "1", header="number")
    ended = shop.lohko("check", "--json")
    assert ended.code == 3 and not ended.json["ok"]
    orders, segment = ended.json["faults"]
    assert "orders-2.csv" in orders and "lifecycle.yaml:12" in segment


def test_check_knows_attributes_of_files_before(shop: Shop) -> None:
    """Core keeps a column that the file of today lacks, so a rule for it holds."""
    shop.edit("sources:\n", "attributes: {country: {origin: declared}}\nsources:\n")
    (shop.root / "data" / "customers.csv").write_text("id,registered,newsletter\nC001,2025-01-01,yes\n")
    assert shop.lohko("check").code == 0
    shop.edit("{country: {", "{county: {")
    ended = shop.lohko("check")
    assert ended.code == 3 and "no attribute county; did you mean country" in ended.err


HOLDER = """
import sys; from pathlib import Path; from resources.locks import hold
with hold(Path(sys.argv[1]), sys.argv[2], timeout=1):
    print("holding", flush=True); sys.stdin.readline()
"""


def hold_elsewhere(path: Path, purpose: str) -> subprocess.Popen[str]:
    """Another process that holds a lock until it is ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), purpose],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "holding\n"
    return process


def test_a_second_run_ends_with_code_6_and_names_who_runs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lohko.commands.run.days.RUN_LOCK_TIMEOUT", 0.2)
    before = shop.published()
    with hold_elsewhere(shop.project.state / "run.lock", "lohko run") as process:
        ended = shop.lohko("run", "--json")
        process.kill()
    assert ended.code == 6
    assert f"process {process.pid} (lohko run, since 2" in ended.err and "Try again later" in ended.err
    assert "Traceback" not in ended.err and len(ended.err.splitlines()) == 1
    assert shop.published() == before
    assert shop.lohko("run", "--json").code == 0, "the lock is gone with its holder"


def test_reading_commands_work_while_the_warehouse_is_held(shop: Shop) -> None:
    project = shop.project
    with (
        hold(project.state / "run.lock", "lohko run", timeout=1),
        hold(project.warehouse_path.with_suffix(".lock"), "core", timeout=1),
    ):
        for words in (
            ("status", "--json"),
            ("query", "from marts.run", "--json"),
            ("segments", "--json"),
            ("explain", "C001", "--json"),
            ("drift", "--json"),
            ("roi", "--json"),
        ):
            ended = shop.lohko(*words)
            assert ended.code == 0, ended.err
            assert json.loads(ended.out) is not None


def test_a_damaged_warehouse_is_told(shop: Shop) -> None:
    before = shop.published()
    shop.project.warehouse_path.write_bytes(b"not a database" * 1000)
    ended = shop.lohko("run", "--json")
    assert ended.code == 1 and "warehouse.duckdb: cannot be opened" in ended.err
    assert "Traceback" not in ended.err and "lohko restore" in ended.err
    assert shop.published() == before
    assert shop.lohko("status").code == 0


def test_a_damaged_publication_is_told(shop: Shop) -> None:
    (shop.project.current / "lohko.duckdb").write_bytes(b"not a database" * 1000)
    ended = shop.lohko("segments")
    assert ended.code == 4 and "lohko.duckdb" in ended.err and "lohko run" in ended.err
    assert shop.lohko("run", "--json").code == 0
    assert shop.lohko("segments").code == 0


def test_the_schema_of_definitions_is_printed_or_written(shop: Shop, tmp_path: Path) -> None:
    committed = (Path(__file__).parents[2] / "docs" / "segments.schema.json").read_text()
    assert shop.lohko("schema").out == committed
    written = tmp_path / "segments.schema.json"
    assert shop.lohko("schema", "--output", str(written)).code == 0
    assert written.read_text() == committed
    assert shop.lohko("schema", "--output", str(tmp_path / "no" / "s.json")).code == 2
