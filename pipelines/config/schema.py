"""The JSON schema of `segments/*.yaml`, for editors: settings, their meaning, and what is required."""

from __future__ import annotations

import json
from typing import Any

from pipelines.config.segments import SegmentationFile


def segments_schema() -> str:
    """The schema as text; docs/segments.schema.json is this."""
    schema: dict[str, Any] = SegmentationFile.model_json_schema()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A segmentation of Lohko (segments/*.yaml)",
    }
    return json.dumps(head | {k: v for k, v in schema.items() if k != "title"}, indent=2) + "\n"
