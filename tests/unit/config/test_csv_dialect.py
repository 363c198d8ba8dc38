"""What may be said of text files in a source."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.config.csv import CsvDialect
from pipelines.config.project import Source

TABLES = {"orders": {"order_id": "id", "ordered_at": "at"}}


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("cp1252", "windows-1252"),
        ("UTF8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("iso-8859-1", "latin-1"),
        ("UTF-16", "utf-16"),
    ],
)
def test_an_encoding_is_known_by_its_usual_names(given: str, known: str) -> None:
    assert CsvDialect.model_validate({"encoding": given}).encoding == known


@pytest.mark.parametrize(
    "faulty",
    [
        {"encoding": "ebcdic"},
        {"encoding": "koi8-r"},
        {"delimiter": ""},
        {"delimiter": ";;"},
        {"delimiter": "\n"},
        {"delimiter": "'", "quote": "'"},
        {"columns": []},
        {"columns": ["a", "A "]},
        {"columns": ["a", ""]},
        {"decimal": ";"},
        {"skip": -1},
        {"delimeter": ","},
    ],
)
def test_what_cannot_be_is_refused(faulty: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CsvDialect.model_validate(faulty)


def test_a_dialect_of_csv_is_no_use_to_another_format() -> None:
    with pytest.raises(ValidationError, match="format is parquet"):
        Source.model_validate({"files": "*", "format": "parquet", "csv": {"skip": 1}, "tables": TABLES})


def test_files_are_one_pattern_or_several() -> None:
    assert Source.model_validate({"files": "a.csv", "tables": TABLES}).patterns == ("a.csv",)
    assert Source.model_validate({"files": ["a.csv", "b"], "tables": TABLES}).patterns == ("a.csv", "b")
    with pytest.raises(ValidationError):
        Source.model_validate({"files": [], "tables": TABLES})
