"""What was not made is not materialized, what was not judged has no result; results carry their partition."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest
from fixtures.daily import execute, materialize
from fixtures.shop import Shop

from lohko.definitions import build_defs
from pipelines.ingest import volume
from pipelines.publish.marts import MARTS
from resources.instance import instance_of

DAY, PAST = "2026-03-30", "2026-03-10"
OF_THE_LATEST = {"features", "segments", "roi", "drift", "marts", "published"}


@pytest.fixture
def instance(shop: Shop) -> Iterator[dg.DagsterInstance]:
    with instance_of(shop.project) as instance:
        yield instance


def made(result: dg.ExecuteInProcessResult) -> set[tuple[str, str | None]]:
    """Asset and partition of every materialization."""
    return {
        (event.asset_key.to_user_string(), event.partition)
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


def judged(result: dg.ExecuteInProcessResult) -> dict[str, str | None]:
    """Check -> the partition that its result is of."""
    return {
        f"{found.asset_key.to_user_string()}:{found.check_name}": found.partition
        for found in result.get_asset_check_evaluations()
    }


def drift_is_judged(shop: Shop) -> None:
    shop.edit("margin_rate: 0.30", "margin_rate: 0.30\ndrift: {minimum_n: 1, psi_warn: 0.0001, q_max: 1}")


EXPECTED = """\
mart: {mart}
expectations:
  - name: as_wished
    type: UnexpectedRowsExpectation
    kwargs: {{unexpected_rows_query: "select * from {{batch}} where {unwished}"}}
    severity: {severity}
    description: no row is unwished
"""


def expect_of_marts(shop: Shop, mart: str, severity: str, unwished: str) -> None:
    """The project expects that no row of a mart meets a condition."""
    (shop.root / "expectations").mkdir()
    text = EXPECTED.format(mart=mart, severity=severity, unwished=unwished)
    (shop.root / "expectations" / "own.yaml").write_text(text)


def test_a_backfill_of_an_old_day_claims_nothing_of_what_it_did_not_do(shop: Shop) -> None:
    drift_is_judged(shop)
    assert judged(execute(shop, "2026-03-29"))["drift/verdict:no_drift"] == "2026-03-29"
    published, state = shop.published(), shop.tables("features")["features.customer_state"]
    result = execute(shop, PAST)
    assert result.success
    assert {asset for asset, _ in made(result) if asset.split("/")[0] in OF_THE_LATEST} == {
        "features/customer_day"
    }
    assert ("ingest/freshness", PAST) not in made(result)
    assert {check for check in judged(result) if check.split("/")[0] not in ("raw", "core")} == set()
    assert shop.published() == published
    assert shop.tables("features")["features.customer_state"] == state, "they stay those of the latest day"


@pytest.mark.parametrize("schema", sorted(OF_THE_LATEST | {"ingest"}))
def test_a_step_by_hand_for_an_old_day_claims_nothing(
    shop: Shop, instance: dg.DagsterInstance, schema: str
) -> None:
    # Alone, because in a run of everything what reads a table that was not made is skipped.
    drift_is_judged(shop)
    expect_of_marts(shop, "segment_current", "advisory", "customers < 0")
    keys = build_defs(shop.project).resolve_asset_graph().get_all_asset_keys()
    step = sorted(key.to_user_string() for key in keys if key.path[0] == schema)
    result = materialize(shop, instance, *[key for key in step if key != "features/customer_day"], day=PAST)
    assert result.success
    assert made(result) == set() and judged(result) == {}


def test_a_day_says_of_which_partition_its_results_are(shop: Shop, instance: dg.DagsterInstance) -> None:
    drift_is_judged(shop)
    expect_of_marts(shop, "segment_current", "advisory", "customers < 0")
    result = execute(shop, DAY, instance)
    partitioned = {check: day for check, day in judged(result).items() if check[:4] not in ("raw/", "core")}
    assert set(partitioned.values()) == {DAY} and len(partitioned) == 7, partitioned
    key = dg.AssetCheckKey(dg.AssetKey(["drift", "verdict"]), "no_drift")
    stored, *_ = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
    assert stored.partition == DAY


def test_without_enough_data_drift_is_not_judged(shop: Shop) -> None:
    result = execute(shop, DAY)
    assert ("drift/verdict", DAY) in made(result)
    assert "drift/verdict:no_drift" not in judged(result)


def test_a_source_that_could_not_be_read_has_no_result_for_its_rows(shop: Shop) -> None:
    for path in (shop.root / "data").glob("orders*.csv"):
        path.unlink()
    result = execute(shop, DAY)
    of_orders = {check for check in judged(result) if check.startswith("raw/shop_orders")}
    assert result.success and of_orders == {"raw/shop_orders:readable"}


def test_volumes_without_a_history_are_not_judged(new_shop: Shop) -> None:
    orders = new_shop.root / "data" / "orders.csv"
    header, *rows = orders.read_text().splitlines()
    orders.write_text("\n".join([header, *rows[-30:]]) + "\n")
    result = execute(new_shop, DAY)
    of_volumes = {f"raw/shop_orders:orders__{check}" for check in volume.CHECKS}
    assert result.success and len(of_volumes) == 3
    assert not of_volumes & judged(result).keys()
    assert "raw/shop_orders:orders__has_rows" in judged(result)


def test_a_range_claims_the_days_that_it_made(shop: Shop) -> None:
    tags = {
        "dagster/asset_partition_range_start": "2026-03-26",
        "dagster/asset_partition_range_end": DAY,
    }
    result = execute(shop, tags=tags)
    assert result.success
    days = {asset: {day for found, day in made(result) if found == asset} for asset, _ in made(result)}
    assert days["segments/membership"] == {DAY}, "the 29th stood in the record"
    assert days["published/current"] == {DAY} and days["marts/segment_day"] == {DAY}
    assert judged(result)["segments/membership_event:invariants"] == DAY
    assert judged(result)["ingest/freshness:shop_orders_fresh"] == DAY


def test_a_year_is_planned_with_one_event_an_asset(shop: Shop, instance: dg.DagsterInstance) -> None:
    tags = {
        "dagster/asset_partition_range_start": "2025-04-10",
        "dagster/asset_partition_range_end": "2026-03-28",
    }
    result = execute(shop, instance=instance, tags=tags)
    assert result.success
    logs = instance.all_logs(result.run_id)
    kinds = [entry.dagster_event.event_type_value for entry in logs if entry.dagster_event]
    assets = build_defs(shop.project).resolve_asset_graph().get_all_asset_keys()
    assert kinds.count("ASSET_MATERIALIZATION_PLANNED") == len(assets)
    assert len(kinds) < 400


def test_some_tables_of_a_step_can_be_materialized_alone(shop: Shop, instance: dg.DagsterInstance) -> None:
    result = materialize(shop, instance, "core/customers", day=None)
    assert result.success
    assert made(result) == {("core/customers", None)}
    assert set(judged(result)) == {"core/customers:unique_key", "core/customers:customer_id_alike"}


def test_publishing_by_hand_publishes_nothing_that_failed_before(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    expect_of_marts(shop, "segment_current", "critical", "customers > 0")
    published = shop.published()
    assert not execute(shop, DAY, instance).success
    result = materialize(shop, instance, "published/current")
    assert not result.success and shop.published() == published
    assert made(result) == set()


def test_publishing_by_hand_publishes_no_marts_of_an_earlier_record(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    published = shop.published()
    segments = [f"segments/{table}" for table in ("assignment", "membership", "membership_event")]
    assert materialize(shop, instance, "features/customer", *segments).success
    result = materialize(shop, instance, "published/current")
    assert not result.success and shop.published() == published


BROKEN = {
    "core/orders has a key twice": "insert into ingest.core_repeated values ('orders', 1)",
    "a row of a batch is nowhere": "update ingest.batch_table set rows_accepted = 1 where batch_seq = 1",
    "a customer is in no segment": (
        "update segments.current_customer set lifecycle = null where entity_id = 'C001'"
    ),
    "a past day does not stand": (
        "delete from segments.snapshot_day"
        " where as_of_date = (select min(as_of_date) from segments.snapshot_day)"
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_marts_made_and_published_by_hand_are_of_sound_data(
    shop: Shop, instance: dg.DagsterInstance, fault: str
) -> None:
    by_hand = [f"marts/{mart}" for mart in MARTS] + ["published/current"]
    published = shop.published()
    assert materialize(shop, instance, *by_hand, day="2026-03-29").success
    assert shop.published() != published
    published = shop.published()
    with shop.warehouse() as con:
        con.execute(BROKEN[fault])
    assert not materialize(shop, instance, *by_hand, day="2026-03-29").success
    assert shop.published() == published
