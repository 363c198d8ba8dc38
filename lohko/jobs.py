"""The daily job: everything from ingest to publish, in one run, in one process.

One job, because a blocking check stops what is downstream within its run only; in process, because DuckDB
allows one writing process.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

DAILY = "daily"


def daily_job() -> UnresolvedAssetJobDefinition:
    """Every asset, for one business day."""
    return dg.define_asset_job(
        DAILY,
        selection=dg.AssetSelection.all(),
        description="Ingest, validate, segment, measure and publish one business day",
        executor_def=dg.in_process_executor,
        tags={"dagster/max_runtime": str(6 * 3600)},
    )
