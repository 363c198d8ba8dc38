"""Features: the state a customer and day, then everything known of every customer as of the day."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from assets.common import (
    POOL,
    ProgressParam,
    ProjectParam,
    Results,
    WarehouseParam,
    check,
    days_of,
    results,
    spec,
    table_metadata,
)
from pipelines.features.accounts import compute_accounts
from pipelines.features.catalogue import measure_nulls, store_catalogue
from pipelines.features.compute import compute_customers, compute_past, refresh_state
from pipelines.features.entry import store_entry_products
from pipelines.features.vocabulary import features_now
from resources.project import Project

if TYPE_CHECKING:
    from datetime import date

    import duckdb

# What features are made of besides the state.
READ = tuple(
    f"core.{table}"
    for table in (
        *("orders", "order_lines", "products", "customers", "campaigns", "campaign_contacts"),
        *("campaign_responses", "interactions", "survey_answers", "feedback", "consents", "accounts"),
        *("contacts", "leads", "opportunities", "rates"),
    )
)
STATE = "features.customer_day"


def compute_day(con: "duckdb.DuckDBPyConnection", project: Project, day: "date") -> int:
    """Make the features of a day stand; returns how many customers were computed."""
    count = compute_customers(con, day, project.recipe)
    compute_accounts(con, day, project.recipe)
    return count


def compute_past_day(
    con: "duckdb.DuckDBPyConnection", project: Project, day: "date", after: "date | None" = None
) -> int:
    """Compute the features of an earlier day beside those of the latest; see `compute_past`."""
    count = compute_past(con, day, project.recipe, after)
    compute_accounts(con, day, project.recipe)
    return count


def build_features(
    partitions: dg.PartitionsDefinition[str], core_tables: Sequence[str]
) -> list[dg.AssetsDefinition]:
    """The state, unpartitioned, and the customers of a day; `core_tables` are those in the project."""
    read = [table for table in READ if table in core_tables]

    @dg.multi_asset(
        name="features_state",
        specs=[
            spec(
                STATE,
                "features",
                "What each customer bought on each business day",
                deps=["core.orders", "core.order_lines"],
            )
        ],
        pool=POOL,
    )
    def state(warehouse: WarehouseParam, progress: ProgressParam) -> Results:
        progress("features customer_day")
        with warehouse.open("features state") as con:
            touched = refresh_state(con)
            recomputed = "everyone" if touched is None else touched
            yield from results(STATE, table_metadata(con, STATE) | {"customers_recomputed": recomputed})

    @dg.multi_asset(
        name="features_customer",
        specs=[
            spec(
                "features.customer",
                "features",
                "Every feature of every customer as of the day",
                deps=[STATE, *read],
                partitions=partitions,
            ),
            spec(
                "features.catalogue",
                "features",
                "Name, family, unit, type and meaning of every feature",
                deps=[table for table in ("core.customers", "core.accounts") if table in read],
                partitions=partitions,
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(
                "everyone_once",
                asset=dg.AssetKey(["features", "customer"]),
                blocking=True,
                description="every customer has one row of the day",
            )
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=POOL,
    )
    def customers(
        context: dg.AssetExecutionContext,
        project: ProjectParam,
        warehouse: WarehouseParam,
        progress: ProgressParam,
    ) -> Results:
        with warehouse.open("features") as con:
            features = features_now(con, project.recipe)
            store_catalogue(con, features["customer"], features["account"])
            repeated = 0
            for day in days_of(context, project):
                progress(f"features as of {day}")
                compute_day(con, project, day)
                row = con.execute(
                    "select count(*) - count(distinct customer_id) from features.customer"
                    " where as_of_date = ?",
                    [day],
                ).fetchone()
                repeated += row[0] if row else 0
            measure_nulls(con, day)
            store_entry_products(con, day, project.mapped)
            yield from results(
                "features.customer",
                table_metadata(con, "features.customer"),
                [check("features.customer", "everyone_once", repeated == 0, repeated=repeated)],
            )
            yield from results("features.catalogue", table_metadata(con, "features.catalogue", preview=60))

    return [state, customers]
