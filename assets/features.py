"""Features: the state a customer and day, then everything known of every customer as of the day."""

from collections.abc import Sequence

import dagster as dg

from assets.common import POOL, RESOURCES, opened, spec, table_metadata
from assets.showing import Results, check_specs, results
from pipelines.contracts.bearing import made_of
from pipelines.refresh.features import EVERYONE_ONCE, refresh_features, refresh_state

# What features are made of besides the state.
READ = tuple(f"core.{table}" for table in made_of("account"))
STATE = "features.customer_day"


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
        required_resource_keys={*RESOURCES},
        pool=POOL,
    )
    def state(context: dg.AssetExecutionContext) -> Results:
        with opened(context, "features state") as refresh:
            touched = refresh_state(refresh)
            recomputed = "everyone" if touched is None else touched
            metadata = table_metadata(refresh.con, STATE) | {"customers_recomputed": recomputed}
            yield from results(context, STATE, metadata)

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
        check_specs=check_specs([EVERYONE_ONCE], partitions),
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={*RESOURCES},
        pool=POOL,
    )
    def customers(context: dg.AssetExecutionContext) -> Results:
        with opened(context, "features") as refresh:
            made = refresh_features(refresh)
            for table, preview in (("features.customer", 0), ("features.catalogue", 60)) if made.days else ():
                metadata = table_metadata(refresh.con, table, preview=preview)
                yield from results(context, table, metadata, made.checks, made.days)

    return [state, customers]
