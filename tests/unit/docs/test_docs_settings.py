"""Every setting of project.yaml stands in the manual, with the default that the model has."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from pipelines.config.attributes import AttributeRule
from pipelines.config.connectors import Auth, Database, Excel, Http, HttpCursor, Pagination
from pipelines.config.csv import CsvDialect
from pipelines.config.delivery import Operation
from pipelines.config.drift import DriftLimits
from pipelines.config.features import CustomFeature, Point, Scale
from pipelines.config.keys import KeyRule
from pipelines.config.money import Amounts
from pipelines.config.personal import PersonalColumn
from pipelines.config.project import Freshness, Playback, ProjectConfig, Source

PAGE = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"


def _settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        if isinstance(default, BaseModel):
            yield from _settings(type(default), f"{prefix}{name}.")
        else:
            yield f"{prefix}{field.alias or name}", default


SETTINGS = [
    *_settings(ProjectConfig),
    *_settings(Source, "sources.NAME."),
    *_settings(Excel, "sources.NAME.excel."),
    *_settings(Database, "sources.NAME.database."),
    *(
        (name, default)
        for name, default in _settings(Http, "sources.NAME.http.")
        if ".pagination" not in name
    ),
    *_settings(Pagination, "sources.NAME.http.pagination."),
    *_settings(HttpCursor, "sources.NAME.http.cursor."),
    *_settings(Auth, "sources.NAME.http.auth."),
    ("sources.NAME.http.pagination", "kind='none'"),
    *_settings(CsvDialect, "sources.NAME.csv."),
    *_settings(Operation, "sources.NAME.operation."),
    *_settings(Playback, "sources.NAME.playback."),
    *_settings(Freshness, "sources.NAME.freshness."),
    *_settings(Amounts, "sources.NAME.amounts."),
    *_settings(KeyRule, "sources.NAME.keys.TABLE."),
    *_settings(AttributeRule, "attributes.NAME."),
    *_settings(PersonalColumn, "personal.NAME."),
    *_settings(Scale, "features.scales.NAME."),
    *_settings(Point, "features.distance_from."),
    *_settings(CustomFeature, "features.custom."),
]


def _rows() -> dict[str, str]:
    """Setting -> the default the page gives it."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[2] for row in cells if len(row) == 4}


@pytest.mark.parametrize(("name", "default"), SETTINGS, ids=[name for name, _ in SETTINGS])
def test_a_setting_stands_in_the_manual_with_its_default(name: str, default: object) -> None:
    rows = _rows()
    assert name in rows
    if default is PydanticUndefined:
        assert rows[name] == "required"
    elif default is None or default in ([], {}):
        assert rows[name] == "none"
    else:
        assert re.sub(r"[`\[\]']", "", rows[name]) == re.sub(r"[\[\]']", "", str(default))


def test_the_manual_names_no_setting_that_is_gone() -> None:
    assert _rows().keys() <= {name for name, _ in SETTINGS}


def test_the_drift_limits_are_among_the_settings() -> None:
    assert {f"drift.{name}" for name in DriftLimits.model_fields} <= {name for name, _ in SETTINGS}
