"""The features that benchmarks/refresh.py measures, in pandas and in polars: what one would write by hand.

Both read the columns they need from the shop's Parquet and give one row a customer. Money is a double, texts
are categories in pandas, polars runs its streaming engine. That both give what the engine gives is a test
(tests/unit/benchmarks/test_frames.py).
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

WINDOWS = (30, 90, 365)
MONEY = ("revenue", "discount")


def with_pandas(data: Path, as_of: date) -> pd.DataFrame:
    """Features by customer; `customer_id` is the index."""
    import pandas as pd

    lines = _pandas_lines(data)
    lines["day"] = lines["ordered_at"].dt.normalize()
    end = pd.Timestamp(as_of)
    days = lines.groupby(["customer_id", "day"], observed=True, sort=True).agg(
        orders=("first", "sum"),
        lines=("revenue", "size"),
        revenue=("revenue", "sum"),
        discount=("discount", "sum"),
    )
    days = days.reset_index()
    whose = days.groupby("customer_id", observed=True)
    days["gap"] = whose["day"].diff().dt.days
    crm = pd.read_parquet(data / "customers.parquet").set_index("customer_id")
    found = pd.DataFrame(index=crm.index)
    found["first_purchase_date"] = whose["day"].min()
    found["last_purchase_date"] = whose["day"].max()
    found["recency_days"] = (end - found["last_purchase_date"]).dt.days
    found["purchase_days_lifetime"] = whose.size()
    found["orders_lifetime"] = whose["orders"].sum()
    found["revenue_lifetime"] = whose["revenue"].sum()
    found["purchase_gap_days_mean"] = whose["gap"].mean()
    found["purchase_gap_days_sd"] = whose["gap"].std()
    for window in WINDOWS:
        inside = days[days["day"] > end - pd.Timedelta(days=window)].groupby("customer_id", observed=True)
        found[f"purchase_days_{window}d"] = inside.size()
        found[f"orders_{window}d"] = inside["orders"].sum()
        found[f"revenue_{window}d"] = inside["revenue"].sum()
    # Of the last, longest window.
    found["average_order_value_365d"] = found["revenue_365d"] / found["orders_365d"]
    found["lines_per_order_365d"] = inside["lines"].sum() / found["orders_365d"]
    discount = inside["discount"].sum()
    found["discount_share_365d"] = discount / (discount + found["revenue_365d"])
    year = lines[lines["day"] > end - pd.Timedelta(days=365)]
    bought = year.groupby(["customer_id", "category"], observed=True)["revenue"].sum().round(2).reset_index()
    found = found.join(_pandas_best(bought, "category", "revenue", "categories_365d"))
    found["preferred_category_share_365d"] = found.pop("revenue") / found["revenue_365d"]
    stores = year[year["first"] & year["store_id"].notna()]
    visited = stores.groupby(["customer_id", "store_id"], observed=True).size().rename("visits").reset_index()
    found = found.join(_pandas_best(visited, "store_id", "visits", "stores_365d")).drop(columns="visits")
    since = pd.to_datetime(crm["created_on"])
    found["tenure_days"] = (end - found["first_purchase_date"].fillna(end).clip(upper=since)).dt.days
    zero = [
        name
        for name in map(str, found)
        if name.startswith(("purchase_days", "orders", "revenue", "cat", "stores"))
    ]
    return found.fillna(dict.fromkeys(zero, 0))


def _pandas_lines(data: Path) -> pd.DataFrame:
    """Lines with their category; decimals become doubles on the way, which pandas would make objects."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = ["line_id", "customer_id", "ordered_at", "store_id", "product_id", *MONEY]
    table = pq.read_table(data / "lines", columns=names)
    for name in MONEY:
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table.column(name).cast(pa.float64()))
    lines = table.to_pandas(strings_to_categorical=True, self_destruct=True, split_blocks=True)
    del table
    lines["first"] = lines.pop("line_id") == "1"
    products = pq.read_table(data / "products.parquet").to_pandas().set_index("product_id")["category"]
    lines["category"] = lines.pop("product_id").map(products).astype("category")
    return lines  # type: ignore[no-any-return]


def _pandas_best(found: pd.DataFrame, what: str, by: str, count: str) -> pd.DataFrame:
    """A customer's value with the most, the first by name of equal ones, and how many there are."""
    found[what] = found[what].astype(str)
    ordered = found.sort_values([by, what], ascending=[False, True])
    whose = ordered.groupby("customer_id", observed=True)
    best = ordered.drop_duplicates("customer_id").set_index("customer_id")
    name = {"category": "preferred_category", "store_id": "preferred_store"}[what]
    return best.rename(columns={what: name}).assign(**{count: whose.size()})


def with_polars(data: Path, as_of: date) -> pl.DataFrame:
    """Features by customer; `customer_id` is a column."""
    import polars as pl

    lines = (
        pl.scan_parquet(data / "lines" / "*.parquet")
        .select("line_id", "customer_id", "ordered_at", "store_id", "product_id", *MONEY)
        .with_columns(
            pl.col("ordered_at").dt.date().alias("day"),
            (pl.col("line_id") == "1").alias("first"),
            pl.col(MONEY).cast(pl.Float64),
        )
    )
    days = (
        lines.group_by("customer_id", "day")
        .agg(
            pl.col("first").sum().cast(pl.Int64).alias("orders"),
            pl.len().cast(pl.Int64).alias("lines"),
            pl.col(MONEY).sum(),
        )
        .collect(engine="streaming")
        .sort("customer_id", "day")
        .with_columns(pl.col("day").diff().over("customer_id").dt.total_days().alias("gap"))
    )
    year = lines.filter(pl.col("day") > as_of - timedelta(days=365))
    products = pl.scan_parquet(data / "products.parquet")
    bought = (
        year.join(products, on="product_id")
        .group_by("customer_id", "category")
        .agg(pl.col("revenue").sum().round(2).alias("most"))
    )
    visited = (
        year.filter(pl.col("first") & pl.col("store_id").is_not_null())
        .group_by("customer_id", "store_id")
        .agg(pl.len().alias("most"))
    )
    return (
        pl.scan_parquet(data / "customers.parquet")
        .join(days.lazy().group_by("customer_id").agg(_polars_purchase(as_of)), on="customer_id", how="left")
        .join(_polars_best(bought, "category", "categories_365d"), on="customer_id", how="left")
        .join(_polars_best(visited, "store_id", "stores_365d"), on="customer_id", how="left")
        .with_columns(pl.col("^(purchase_days|orders|revenue|categories|stores)_.*$").fill_null(0))
        .with_columns(
            (as_of - pl.col("last_purchase_date")).dt.total_days().alias("recency_days"),
            (as_of - pl.min_horizontal("created_on", "first_purchase_date"))
            .dt.total_days()
            .alias("tenure_days"),
            (pl.col("revenue_365d") / pl.col("orders_365d")).alias("average_order_value_365d"),
            (pl.col("_lines") / pl.col("orders_365d")).alias("lines_per_order_365d"),
            (pl.col("_discount") / (pl.col("_discount") + pl.col("revenue_365d"))).alias(
                "discount_share_365d"
            ),
            (pl.col("category_most") / pl.col("revenue_365d")).alias("preferred_category_share_365d"),
        )
        .rename({"category": "preferred_category", "store_id": "preferred_store"})
        .collect(engine="streaming")
    )


def _polars_purchase(as_of: date) -> list[pl.Expr]:
    import polars as pl

    found = [
        pl.col("day").min().alias("first_purchase_date"),
        pl.col("day").max().alias("last_purchase_date"),
        pl.len().alias("purchase_days_lifetime"),
        pl.col("orders").sum().alias("orders_lifetime"),
        pl.col("revenue").sum().alias("revenue_lifetime"),
        pl.col("gap").mean().alias("purchase_gap_days_mean"),
        pl.col("gap").std().alias("purchase_gap_days_sd"),
    ]
    for window in WINDOWS:
        inside = pl.col("day") > as_of - timedelta(days=window)
        found += [
            inside.sum().alias(f"purchase_days_{window}d"),
            pl.col("orders").filter(inside).sum().alias(f"orders_{window}d"),
            pl.col("revenue").filter(inside).sum().alias(f"revenue_{window}d"),
        ]
    # Of the last, longest window.
    return [
        *found,
        pl.col("lines").filter(inside).sum().alias("_lines"),
        pl.col("discount").filter(inside).sum().alias("_discount"),
    ]


def _polars_best(found: pl.LazyFrame, what: str, count: str) -> pl.LazyFrame:
    """A customer's value with the most, the first by name of equal ones, and how many there are."""
    import polars as pl

    return (
        found.sort(["most", what], descending=[True, False])
        .group_by("customer_id", maintain_order=True)
        .agg(pl.col(what).first(), pl.col("most").first().alias(f"{what}_most"), pl.len().alias(count))
    )
