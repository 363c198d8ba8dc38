"""The daily job on an ephemeral instance: what it shows, what it holds, and what blocks it."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster import serialize_value
from fixtures.daily import execute
from fixtures.shop import Shop

from pipelines.core import merge
from pipelines.engine import qualified
from pipelines.ingest import batch
from pipelines.refresh import definitions, features
from pipelines.segments import evaluate
from pipelines.segments.definitions import Definitions, load_definitions

DAY = "2026-03-30"
HELSINKI = ZoneInfo("Europe/Helsinki")
GOOD = '9001,C001,2026-03-30 12:00:00,web,paid,"10,00","0,00"'
ALL_STEPS = {
    *("raw__crm", "raw__shop_orders", "core", "ingest__freshness", "features_state", "features_customer"),
    *("segments", "roi", "drift", "marts", "published__current"),
}


def steps(result: dg.ExecuteInProcessResult) -> set[str]:
    """The steps that were executed."""
    return {event.step_key for event in result.all_events if event.is_step_start and event.step_key}


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {
        f"{one.asset_key.to_user_string()}:{one.check_name}": one
        for one in result.get_asset_check_evaluations()
    }


def failed(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckSeverity]:
    return {name: one.severity for name, one in checks(result).items() if not one.passed}


def test_a_good_day_succeeds_and_every_check_that_can_be_judged_has_a_result(shop: Shop) -> None:
    shop.edit("margin_rate: 0.30", "margin_rate: 0.30\ndrift: {minimum_n: 1}")
    result = execute(shop, DAY)
    assert result.success and steps(result) == ALL_STEPS
    expected = {
        f"{c.asset_key.to_user_string()}:{c.name}"
        for c in result.job_def.asset_layer.asset_graph.asset_check_keys
    }
    # It has no tests, too few orders a weekday for their values to be compared, and reads the CRM as it is.
    without = {
        "segments/assignment:definition_tests",
        "raw/shop_orders:orders__values_same_weekday",
        "raw/crm:customers__mapped_values_read",
    }
    assert expected - checks(result).keys() == without
    assert checks(result).keys() <= expected
    assert failed(result).keys() <= {"drift/verdict:no_drift"}
    manifest = (shop.project.current / "manifest.json").read_text()
    assert result.run_id in manifest


def test_metadata_carries_row_counts_and_columns(shop: Shop) -> None:
    result = execute(shop, DAY)
    shown: dict[str, Any] = {
        event.asset_key.to_user_string(): event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    assert len(shown) > 40
    for key in shown.keys() - {"published/current"}:
        assert "dagster/row_count" in shown[key], key
        columns = shown[key]["dagster/column_schema"].schema.columns
        assert columns and not [column.name for column in columns if not column.description], key
    assert (
        shown["core/orders"]["newest_event"].value
        == datetime(2026, 3, 30, 15, 49, tzinfo=HELSINKI).timestamp()
    )
    assert "newest_event" not in shown["core/products"]
    assert shown["features/customer"]["dagster/row_count"].value >= 40
    assert shown["raw/shop_orders"]["dagster/row_count"].value == 567
    assert "Lapsed" in shown["marts/segment_current"]["preview"].value
    for personal in ("marts/customer", "marts/membership", "marts/audience", "features/customer"):
        assert "preview" not in shown[personal]


@pytest.mark.parametrize("bad", [False, True])
def test_no_event_tells_who_a_customer_is(shop: Shop, bad: bool) -> None:
    with (shop.root / "data" / "customers.csv").open("a") as crm:
        crm.write(
            "C998,no date at all,Finland-Marjatta,yes\n" if bad else "C998,2026-03-01,Finland-Marjatta,no\n"
        )
    shop.deliver("orders-2.csv", "9001,C997,no day,web,paid,ten,none" if bad else GOOD)
    with dg.DagsterInstance.ephemeral() as instance:
        result = execute(shop, DAY, instance)
        told = [serialize_value(entry) for entry in instance.all_logs(result.run_id)]
    assert result.success and len(told) > 100
    for text in told:
        assert not re.search(r"\bC\d{3}\b|Marjatta", text), text
    for one in shop.control.findings(result.run_id):
        assert not re.search(r"\bC\d{3}\b|Marjatta", one.message)


def test_a_batch_that_fails_is_held_until_a_better_one_comes(shop: Shop) -> None:
    core = shop.tables("core")
    shop.deliver("orders-2.csv", *["9001,C001,no day,web,paid,ten,none"] * 5)
    result = execute(shop, DAY)
    assert result.success and steps(result) == ALL_STEPS
    error = dg.AssetCheckSeverity.ERROR
    assert failed(result)["raw/shop_orders:orders__rows_without_fault"] == error
    assert not [name for name in failed(result) if name.startswith("raw/crm")]
    assert shop.tables("core") == core
    with shop.warehouse() as con:
        held = con.execute("select status from ingest.batch order by batch_seq desc limit 1").fetchone()
        rows = con.execute("select count(*) from quarantine.row").fetchone()
    assert held == ("rejected",) and rows == (5,)
    shop.deliver("orders-2.csv", GOOD)
    assert failed(execute(shop, DAY)).keys() <= {"drift/verdict:no_drift"}
    with shop.warehouse() as con:
        entered = con.execute("select revenue from core.orders where order_id = '9001'").fetchone()
    assert entered is not None and entered[0] == 10


def test_a_warning_holds_nothing(shop: Shop) -> None:
    guests = [f'90{n},,2026-03-30 12:00:00,web,paid,"10,00","0,00"' for n in range(10, 40)]
    shop.deliver("orders-2.csv", *guests)
    result = execute(shop, DAY)
    assert result.success
    assert failed(result)["raw/shop_orders:orders__customer_known"] == dg.AssetCheckSeverity.WARN
    with shop.warehouse() as con:
        assert con.execute("select count(*) from core.orders where customer_id is null").fetchone() == (30,)
        assert con.execute("select distinct status from ingest.batch").fetchall() == [("accepted",)]
    assert [f for f in shop.control.findings(result.run_id) if f.kind == "rejected_batch" and not f.ok] == []


def lose_a_row(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> None:
    """Staging loses a row on the way."""
    stage = batch.stage

    def losing(con: Any, mapping: Any, file_ids: Any) -> None:
        stage(con, mapping, file_ids)
        table = qualified(mapping.stage)
        con.execute(f"delete from {table} where _row = (select max(_row) from {table})")

    monkeypatch.setattr(batch, "stage", losing)
    shop.deliver("orders-2.csv", GOOD, GOOD.replace("9001", "9002"))


def repeat_a_key(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> None:
    """Core takes an order twice that stands twice in a file."""
    latest = merge._latest

    def all_of_them(contract: Any, mappings: Any) -> str:
        return str(latest(contract, mappings)).split(" qualify ")[0]

    monkeypatch.setattr(merge, "_latest", all_of_them)
    shop.deliver("orders-2.csv", GOOD, GOOD)


def repeat_a_customer(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> None:
    """The features of a day give a customer two rows."""
    compute = features.compute_day

    def twice(con: Any, recipe: Any, day: Any) -> None:
        compute(con, recipe, day)
        con.execute(
            "insert into features.customer_state from features.customer_state where customer_id = 'C001'"
        )

    monkeypatch.setattr(features, "compute_day", twice)


def overlap_segments(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> None:
    """The evaluation gives one customer two rows."""
    run = evaluate._run

    def twice(engine: Any, plan: Any, day: Any, table: str) -> Any:
        remarks = run(engine, plan, day, table)
        engine.con.execute(f"insert into {table} from {table} where entity_id = 'C001'")
        return remarks

    monkeypatch.setattr(evaluate, "_run", twice)


def leave_a_customer_out(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> None:
    """A segmentation forgets a customer."""

    def forgetting(*words: Any) -> Definitions:
        found = load_definitions(*words)
        kept = []
        for one in found.segmentations:
            if one.id != "lifecycle":
                kept.append(one)
                continue
            result = one.compiled.result
            sql = f"case when entity_id <> 'C001' then ({result.sql}) end"
            partial = dataclasses.replace(one.compiled, result=dataclasses.replace(result, sql=sql))
            kept.append(dataclasses.replace(one, compiled=partial))
        return Definitions(tuple(kept))

    monkeypatch.setattr(definitions, "load_definitions", forgetting)


@pytest.mark.parametrize(
    ("tamper", "check", "last"),
    [
        (lose_a_row, "raw/shop_orders:accounting", "raw__shop_orders"),
        (repeat_a_key, "core/orders:unique_key", "core"),
        (repeat_a_customer, "features/customer:everyone_once", "features_customer"),
        (overlap_segments, "segments/membership_event:invariants", "segments"),
    ],
)
def test_a_broken_invariant_blocks_the_run_and_leaves_what_is_published(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tamper: Any, check: str, last: str
) -> None:
    published, record = shop.published(), shop.tables("segments")["segments.recorded_day"]
    tamper(monkeypatch, shop)
    result = execute(shop, DAY)
    assert not result.success
    assert failed(result) == {check: dg.AssetCheckSeverity.ERROR}
    assert last in steps(result)
    assert not steps(result) & {"published__current", "marts", "roi", "drift"}
    assert shop.published() == published
    assert shop.tables("segments")["segments.recorded_day"] == record


def recorded_events(shop: Shop) -> list[tuple[Any, ...]]:
    """Segmentation, segment, entity, member and so on, of every event."""
    with shop.warehouse() as con:
        assert con.execute("select count(*) from segments.recorded_day").fetchone() != (0,)
        return con.execute("from segments.membership_event order by all").fetchall()


def test_a_segmentation_that_leaves_a_customer_out_is_held_and_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = recorded_events(shop)
    leave_a_customer_out(monkeypatch, shop)
    result = execute(shop, DAY)
    assert result.success
    assert failed(result) == {"segments/membership:refreshed": dg.AssetCheckSeverity.ERROR}
    assert {one[0] for one in recorded_events(shop) if one not in events} == {"value_tier"}
    assert [one.subject for one in shop.control.open_incidents()] == ["lifecycle"]
    monkeypatch.undo()
    execute(shop, DAY)
    assert shop.control.open_incidents() == []


@pytest.mark.parametrize("tamper", [overlap_segments, repeat_a_key])
def test_the_command_tells_a_broken_invariant_with_code_4(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tamper: Any
) -> None:
    published = shop.published()
    tamper(monkeypatch, shop)
    ended = shop.lohko("run", "--json")
    assert ended.code == 4 and "Traceback" not in ended.err
    assert "an invariant does not hold" in ended.err and "lohko status" in ended.err
    assert shop.published() == published
    monkeypatch.undo()


def test_a_broken_invariant_in_the_first_run_is_told_too(
    new_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlap_segments(monkeypatch, new_shop)
    ended = new_shop.lohko("run", "--json")
    assert ended.code == 4 and "an invariant does not hold" in ended.err, ended.err
    assert new_shop.published() == {}
