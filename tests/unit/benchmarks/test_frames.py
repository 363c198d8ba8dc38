"""What benchmarks/refresh.py compares is the same: engine, pandas and polars give every feature alike."""

from pathlib import Path

import frames
import pandas as pd
import purchases
import pytest
import refresh_jobs
from purchases import Shop
from refresh_jobs import Job

from pipelines.engine import connect

SHOP = Shop(lines=50_000, customers=2500, day_lines=3000)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    purchases.make(SHOP, folder)
    return folder


def features_of(warehouse: Path) -> pd.DataFrame:
    """The features that stand in a warehouse, by customer."""
    with connect(str(warehouse)) as con:
        return (
            con.execute("select * exclude (as_of_date) from features.customer").df().set_index("customer_id")
        )


@pytest.fixture(scope="module")
def ours(data: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    work = tmp_path_factory.mktemp("work")
    refresh_jobs.rebuild(Job(data, work, SHOP))
    return features_of(work / "warehouse.duckdb")


def assert_same(ours: pd.DataFrame, theirs: pd.DataFrame, at_least: int = 20) -> None:
    """Every feature that both have; of a number 1e-9 of it may differ, of a text or day nothing."""
    names = [name for name in theirs if name in ours]
    assert len(names) >= at_least
    assert set(ours.index) == set(theirs.index)
    theirs = theirs.loc[ours.index]
    for name in names:
        one, other = _plain(ours[name]), _plain(theirs[name])
        pd.testing.assert_series_equal(one, other, check_names=False, check_index=False, rtol=1e-9, obj=name)


def _plain(column: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float)
    if str(column.name).endswith("_date"):
        return pd.to_datetime(column).astype("datetime64[s]")
    return column.astype(object).where(column.notna(), None)


def test_pandas_gives_the_engines_features(data: Path, ours: pd.DataFrame) -> None:
    assert_same(ours, frames.with_pandas(data, SHOP.last_day))


def test_polars_gives_the_engines_features(data: Path, ours: pd.DataFrame) -> None:
    pytest.importorskip("polars", reason="the extra `bench` is not installed")
    found = frames.with_polars(data, SHOP.last_day)
    assert_same(ours, pd.DataFrame(found.to_dict(as_series=False)).set_index("customer_id"))


def test_the_next_day_leaves_what_a_rebuild_with_that_day_would(data: Path, tmp_path: Path) -> None:
    job = Job(data, tmp_path, SHOP)
    refresh_jobs.rebuild(job)
    refresh_jobs.day(job)
    assert 0 < job.clock.facts["computed"] < SHOP.customers
    refreshed = features_of(job.warehouse).sort_index()
    with refresh_jobs.opened(job.warehouse) as con:
        con.execute("insert into ingest.dirty_day values (null, null)")
        refresh_jobs.follow(job.clock, con, SHOP.next_day)
    assert job.clock.facts["computed"] == SHOP.customers
    pd.testing.assert_frame_equal(refreshed, features_of(job.warehouse).sort_index())
