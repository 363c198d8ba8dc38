"""Every fault of project.yaml names file, line, place, and what was expected."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.config.segments import SegmentationFile
from pipelines.config.yaml import load_model
from pipelines.errors import ConfigError
from resources.project import Project

GOOD = """\
project: Shop
timezone: Europe/Helsinki
currency: EUR
sources:
  shop:
    files: orders/*.csv
    tables:
      orders:
        order_id: id
        ordered_at: at
  crm:
    files: customers.csv
    tables:
      customers:
        customer_id: id
"""

SEGMENTS = """\
segmentation: value
name: Value
kind: scores
scores:
  r: {feature: recency_days, better: low}
segments:
  - {id: best, name: Best, when: r = 5}
otherwise: {id: rest, name: Rest}
outside: {id: out, name: Outside}
"""


def fault_of(folder: Path, text: str | bytes) -> str:
    path = folder / "project.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        Project.load(folder)
    assert str(path) in str(caught.value)
    return str(caught.value).replace(f"{path}", "project.yaml")


def segment_fault_of(folder: Path, text: str) -> str:
    path = folder / "value.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_model(path, SegmentationFile)
    return str(caught.value).replace(f"{path}", "value.yaml")


def test_a_good_project_loads_with_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(GOOD)
    project = Project.load(tmp_path)
    assert project.mapped == {"orders": ["shop"], "customers": ["crm"]}
    assert project.config.sources["shop"].max_bad_share == 0.01
    assert project.config.schedule.hour == 5


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("currency: EUR", "curency: EUR", "project.yaml:3: curency: no such setting; did you mean currency"),
        (
            "    files: orders",
            "    fils: orders",
            "project.yaml:6: sources.shop.fils: no such setting; did you",
        ),
        ("currency: EUR\n", "", "project.yaml: currency: is required and missing"),
        (
            "    files: customers.csv\n",
            "",
            "project.yaml:11: sources.crm: expected exactly one of files, database and http, found none",
        ),
        (
            "currency: EUR",
            "currency: euro",
            "project.yaml:3: currency: expected an ISO 4217 code of three capital",
        ),
        ("currency: EUR", "currency: [EUR]", "project.yaml:3: currency: expected an ISO 4217 code"),
        (
            "/Helsinki",
            "/Helsinky",
            "project.yaml:2: timezone: no such time zone; did you mean Europe/Helsinki",
        ),
        (
            "      orders:\n",
            "      order_lines:\n",
            "project.yaml:4: sources: no source maps the table orders",
        ),
        (
            "      customers:",
            "      custommers:",
            "project.yaml:14: sources.crm.tables.custommers: custommers",
        ),
        (
            "    files: customers.csv",
            "    freshness: {warn_after_days: 1, fail_after_days: 2}\n    files: customers.csv",
            "project.yaml:12: sources.crm.freshness: none of its tables (customers) has an event time",
        ),
        (
            "    files: customers.csv",
            "    freshness: {warn_after_days: 3, fail_after_days: 2}\n    files: customers.csv",
            "project.yaml:12: sources.crm.freshness: fail_after_days must not be smaller",
        ),
        ("  crm:", "  json:", "sources: json is how a file ends; name the source after what it brings"),
        ("  crm:", "  CRM:", "sources.CRM.[key]: String should match pattern"),
        ("timezone:", "currency: USD\ntimezone:", 'not valid YAML: found duplicate key "currency"\n'),
        ("currency: EUR", "currency: [EUR", "not valid YAML"),
        (
            "currency: EUR",
            "currency: EUR\ntoday: soon",
            "project.yaml:4: today: Input should be a valid date",
        ),
        (
            "currency: EUR",
            "currency: EUR\nschedule: {at: 25:00}",
            "project.yaml:4: schedule.at: String should match",
        ),
    ],
)
def test_a_fault_names_file_line_place_and_what_was_expected(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in GOOD
    message = fault_of(tmp_path, GOOD.replace(old, new, 1))
    assert expected in message + "\n"
    assert re.search(r"project\.yaml(:\d+)?: ", message)


def test_a_canonical_table_that_does_not_exist_is_answered_with_the_nearest(tmp_path: Path) -> None:
    message = fault_of(tmp_path, GOOD.replace("      customers:", "      custommers:"))
    assert "did you mean customers" in message and "order_lines" in message


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    message = fault_of(
        tmp_path, GOOD.replace("currency: EUR", "currency: euro").replace("project:", "projet:")
    )
    assert len(message.splitlines()) == 3  # the currency, the unknown key, the missing one


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"project\.yaml: no such file\. `lohko init DIR`"):
        Project.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected a mapping of settings, found nothing"),
        ("- a\n", "expected a mapping of settings, found list"),
        ("a: \x00\n", "not valid YAML"),
        (b"a: \xff\n", "cannot be read as UTF-8 text"),
    ],
)
def test_a_file_that_is_no_settings_file_is_refused(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert expected in fault_of(tmp_path, text)


def test_numbers_and_booleans_are_expressions_too(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(
        GOOD.replace("order_id: id", "order_id: id\n        revenue: 1.50")
    )
    assert Project.load(tmp_path).config.sources["shop"].tables["orders"]["revenue"] == "1.5"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("better: low", "beter: low", "value.yaml:5: scores.r.beter: no such setting; did you mean better"),
        ("better: low", "better: lo", "value.yaml:5: scores.r.better: Input should be 'high' or 'low'"),
        (
            "name: Best, when",
            "name: Best, wen",
            "value.yaml:7: segments.0.wen: no such setting; did you mean when",
        ),
        ("kind: scores", "kind: score", "value.yaml:3: kind: score is no kind; did you mean scores"),
        ("outside:", "outsid:", "value.yaml:9: outsid: no such setting; did you mean outside"),
    ],
)
def test_a_fault_in_a_segmentation_names_its_place(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in SEGMENTS
    assert expected in segment_fault_of(tmp_path, SEGMENTS.replace(old, new, 1))
