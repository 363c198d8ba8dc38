"""A run with a source beyond local files: it enters, it is held when its service fails, the others go on."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from fixtures.shop import Shop
from fixtures.web import Answer, Service

TOKEN = "s3cr3t-t0ken"  # noqa: S105


@pytest.fixture
def crm(new_shop: Shop, service: Service, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose customers come from an HTTP interface instead of a file."""
    monkeypatch.setenv("CRM_TOKEN", TOKEN)
    path = new_shop.root / "data" / "customers.csv"
    customers = list(csv.DictReader(path.read_text().splitlines()))
    path.unlink()
    service.respond = lambda asked: (
        Answer(customers) if asked.headers.get("Authorization") == f"Bearer {TOKEN}" else Answer({}, 401)
    )
    auth = "{kind: bearer, token_from: CRM_TOKEN}"
    new_shop.edit(
        "    files: data/customers.csv\n",
        f"    http: {{base_url: '{service.address}', endpoint: customers, auth: {auth}, retries: 0}}\n",
    )
    return new_shop


def test_it_enters_as_a_file_would_and_is_held_when_its_service_fails(crm: Shop, service: Service) -> None:
    checked = crm.lohko("check")
    assert checked.code == 0, checked.err
    assert service.requests == []  # checking connects to nothing
    ran = crm.lohko("run", "--as-of", "2026-03-29", "--json")
    assert ran.code == 0, ran.err
    before = crm.tables("core")["core.customers"]
    assert before
    service.respond = lambda _: Answer({"error": "anna@example.com"}, 500)
    held = crm.lohko("run", "--as-of", "2026-03-30", "--json")
    assert held.code == 5, held.err
    assert "crm" in held.out
    assert TOKEN not in held.out + held.err
    assert crm.tables("core")["core.customers"] == before
    written = [path for path in crm.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()]


def test_a_variable_that_is_not_set_stops_before_anything_runs(
    crm: Shop, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRM_TOKEN")
    for command in ("check", "run"):
        ended = crm.lohko(command)
        assert ended.code == 3, ended.err
        assert "sources.crm.http.auth.token_from: the environment variable CRM_TOKEN is not set" in (
            ended.err.replace("\n", " ")
        )
    assert service.requests == []
    assert not Path(crm.root / "published").exists()


def test_segments_may_use_the_attributes_from_the_first_run_on(crm: Shop, service: Service) -> None:
    crm.edit(
        "when: recency_days > 90", "when: recency_days > 90 and country = 'FI'", "segments/lifecycle.yaml"
    )
    ran = crm.lohko("run", "--as-of", "2026-03-29")
    assert ran.code == 0, ran.err
    assert crm.lohko("check").code == 0
