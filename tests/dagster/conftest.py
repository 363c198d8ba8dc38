"""The daily job of a shop, executed on an instance that leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest
from fixtures.shop import Shop

from lohko.definitions import build_defs
from lohko.jobs import DAILY

Execute = Callable[..., dg.ExecuteInProcessResult]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def execute() -> Execute:
    """Execute the daily job for a day, or with `tags` for a range of days."""

    def run(
        shop: Shop, day: str | None = None, instance: dg.DagsterInstance | None = None, **more: Any
    ) -> dg.ExecuteInProcessResult:
        job = build_defs(shop.project).resolve_job_def(DAILY)
        return job.execute_in_process(
            instance=instance, partition_key=day, raise_on_error=False, run_config=QUIET, **more
        )

    return run
