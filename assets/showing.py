"""How a refresh is shown to Dagster: what was made is materialized, what was judged has a result.

Of an asset of which a run made nothing there is no materialization, and what reads it is skipped; of a check
that was not judged there is no result. In a run for a range of days the partitions that were made are
materialized; Dagster by itself would claim the whole range.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

from pipelines.refresh.checks import Check, Outcome

Shown = (
    dg.MaterializeResult | dg.AssetMaterialization | dg.AssetCheckResult | dg.AssetCheckEvaluation | dg.Output
)
Results = Iterator[Shown]
# An output by which what is downstream goes on, and for which Dagster makes no materialization of its own.
_QUIET = {SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}


def results(
    context: dg.AssetExecutionContext,
    table: str,
    metadata: Mapping[str, Any],
    checks: Iterable[Outcome] = (),
    days: Collection[date] | None = None,
) -> Results:
    """The materialization of a table that was made, then the results of its checks.

    Parameters
    ----------
    checks : those that were judged, maybe of several tables; those of the others are left to them.
    days : the days whose partition was made; None of a table without partitions.
    """
    key = dg.AssetKey(table.split("."))
    if key in context.selected_asset_keys:
        if days is None or not _is_range(context):
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
        else:
            yield dg.Output(None, context.assets_def.get_output_name_for_asset_key(key), metadata=_QUIET)
            for day in sorted(days):
                yield dg.AssetMaterialization(key, metadata=metadata, partition=day.isoformat())
    yield from check_results(context, table, checks, max(days) if days else None)


def check_results(
    context: dg.AssetExecutionContext, table: str, checks: Iterable[Outcome], day: date | None = None
) -> Results:
    """The results of a table's checks that were judged; in a run for a range, those of the day."""
    for outcome in checks:
        key = dg.AssetCheckKey(dg.AssetKey(table.split(".")), outcome.check.name)
        if outcome.check.table != table or key not in context.selected_asset_check_keys:
            continue
        if day is None or not _is_range(context):
            yield _result(outcome)
        else:
            output = context.job_def.asset_layer.get_op_output_name(key)
            yield dg.Output(None, output or "")
            yield _evaluation(outcome, day)


def check_specs(
    checks: Iterable[Check], partitions: dg.PartitionsDefinition[str] | None = None
) -> list[dg.AssetCheckSpec]:
    """What Dagster must know of checks before any is judged.

    Parameters
    ----------
    partitions : those of the assets that are checked: a result carries the one it is of.
    """
    return [
        dg.AssetCheckSpec(
            check.name,
            asset=dg.AssetKey(check.table.split(".")),
            description=check.description,
            blocking=check.blocking,
            partitions_def=partitions,
        )
        for check in checks
    ]


def _is_range(context: dg.AssetExecutionContext) -> bool:
    return not context.has_partition_key and context.has_partition_key_range


def _result(outcome: Outcome) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=outcome.passed,
        asset_key=outcome.check.table.split("."),
        check_name=outcome.check.name,
        severity=_severity(outcome),
        description=outcome.check.description,
        metadata=_facts(outcome),
    )


def _evaluation(outcome: Outcome, day: date) -> dg.AssetCheckEvaluation:
    """A result with its partition, which Dagster gives to those of runs for one day only."""
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(outcome.check.table.split(".")),
        check_name=outcome.check.name,
        passed=outcome.passed,
        severity=_severity(outcome),
        description=outcome.check.description,
        metadata=_facts(outcome),
        blocking=outcome.check.blocking,
        partition=day.isoformat(),
    )


def _severity(outcome: Outcome) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if outcome.critical else dg.AssetCheckSeverity.WARN


def _facts(outcome: Outcome) -> dict[str, Any]:
    """Lists as JSON; everything else as it is."""
    return {
        name: dg.MetadataValue.json(value) if isinstance(value, list) else value
        for name, value in outcome.facts.items()
    }
