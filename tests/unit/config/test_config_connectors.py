"""Sources beyond local files: what the configuration refuses, and that it repeats no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.config.connectors import Http
from pipelines.config.project import ProjectConfig
from pipelines.config.templates import TEMPLATES
from pipelines.config.yaml import load_model
from pipelines.errors import ConfigError

HEAD = """\
project: Shop
timezone: Europe/Helsinki
currency: EUR
sources:
  shop:
    tables: {orders: {order_id: id, ordered_at: at}}
"""


def fault_of(folder: Path, *lines: str) -> str:
    path = folder / "project.yaml"
    path.write_text(HEAD + "".join(f"    {line}\n" for line in lines))
    with pytest.raises(ConfigError) as told:
        load_model(path, ProjectConfig)
    return str(told.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("files: ftp://host/a.csv", "ftp:// cannot be read; expected a path or one of s3, gs"),
        (
            "database: {url_from: URL}",
            "project.yaml:7: sources.shop.database: expected exactly one of table and",
        ),
        ("database: {url_from: URL, table: a, query: b}", "expected exactly one of table and query"),
        ("database: {url_from: URL, table: a, lookback: 1d}", "lookback needs a cursor"),
        ("database: {url_from: URL, table: a, cursor: b, lookback: soon}", "'soon' is no duration"),
        ("database: {url_form: URL, table: a}", "url_form: no such setting; did you mean url_from"),
        ("http: {template: shopify.order}", "no template shopify.order; did you mean shopify.orders"),
        ("http: {template: shopify.orders}", "sources.shop.http.base_url: is required and missing"),
        ("http: {base_url: shop.example.com, endpoint: a}", "expected an address such as https://"),
        ("http: {base_url: 'https://a', endpoint: 'https://b'}", "expected a path below base_url"),
        (
            "http: {base_url: 'https://a', endpoint: b, pagination: {kind: cursor}}",
            "pagination by cursor needs next and param",
        ),
        (
            "http: {base_url: 'https://a', endpoint: b, auth: {kind: basic, token_from: T}}",
            "auth of kind basic takes password_from, user_from",
        ),
        (
            "http: {base_url: 'https://a', endpoint: b, cursor: {column: c, param: p, lookback: 5}}",
            "lookback of a cursor of type timestamp is a duration",
        ),
    ],
)
def test_a_source_that_cannot_be_is_refused(tmp_path: Path, line: str, expected: str) -> None:
    assert expected in fault_of(tmp_path, line)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("files: a.csv", "database: {url_from: URL, table: a}"), "found files and database"),
        (("database: {url_from: URL, table: a}", "format: csv"), "format is for files"),
        (("http: {base_url: 'https://a', endpoint: b}", "playback: {by: at}"), "playback is for files"),
        (("files: a.xlsx", "excel: {sheet: 0}"), "sheets are counted from 1"),
        (("files: a.xlsx", "excel: {sheet: A}", "format: csv"), "format is not for workbooks"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    tmp_path: Path, lines: tuple[str, ...], expected: str
) -> None:
    assert expected in fault_of(tmp_path, *lines)


@pytest.mark.parametrize(
    "line",
    [
        "database: 'postgresql://anna:s3cr3t@host/shop'",
        "database: {url_from: 'postgresql://anna:s3cr3t@host/shop', table: a}",
        "files: https://anna:s3cr3t@host/a.csv",
        "http: {base_url: 'https://anna:s3cr3t@host', endpoint: a}",
        "http: {base_url: 'https://host', endpoint: a, auth: {kind: bearer, token_from: sk-s3cr3t}}",
    ],
)
def test_a_secret_written_into_the_file_is_refused_and_not_repeated(tmp_path: Path, line: str) -> None:
    assert "s3cr3t" not in fault_of(tmp_path, line)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_needs_at_most_its_address(name: str) -> None:
    given: dict[str, Any] = {"template": name}
    if name.startswith("shopify"):
        given["base_url"] = "https://shop.myshopify.com/admin/api/2026-01"
    http = Http.model_validate(given)
    assert http.auth is not None
    assert http.pagination.kind in ("link", "cursor")


def test_what_the_project_writes_wins_over_the_template() -> None:
    given = {"template": "hubspot.contacts", "params": {"properties": "email"}, "requests_per_second": 1}
    http = Http.model_validate(given)
    assert http.params == {"limit": 100, "properties": "email"}
    assert http.requests_per_second == 1
    assert http.rows == "results"


def test_an_unknown_template_is_refused_by_the_model_alone() -> None:
    with pytest.raises(ValidationError, match="no template shopify"):
        Http.model_validate({"template": "shopify"})
