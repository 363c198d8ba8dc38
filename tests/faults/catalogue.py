"""Every planted fault, in the order in which data flows."""

from __future__ import annotations

from . import (
    planted_columns,
    planted_core,
    planted_features,
    planted_ingest,
    planted_measures,
    planted_outside,
    planted_past,
    planted_publish,
    planted_record,
    planted_runs,
    planted_segments,
)
from .fault import Fault

FAULTS: tuple[Fault, ...] = (
    *planted_ingest.FAULTS,
    *planted_core.FAULTS,
    *planted_past.FAULTS,
    *planted_columns.FAULTS,
    *planted_features.FAULTS,
    *planted_segments.FAULTS,
    *planted_record.FAULTS,
    *planted_measures.FAULTS,
    *planted_publish.FAULTS,
    *planted_outside.FAULTS,
    *planted_runs.FAULTS,
)
