"""The record outlives its warehouse: after a restore the next day is as if nothing had been lost."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.shop import Shop

pytestmark = pytest.mark.alone

RECORD = ("segments.membership", "segments.profile_day", "segments.list_member", "drift.verdict")


def record(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    found = shop.tables("segments", "drift")
    return {name: found[name] for name in RECORD}


def test_the_day_after_a_restore_is_as_if_nothing_had_been_lost(shop: Shop) -> None:
    assert shop.lohko("run", "--json").code == 0
    backup = shop.lohko("backup", "--json")
    assert backup.code == 0, backup.err
    shop.edit("today: 2026-03-31", "today: 2026-04-01")
    assert shop.lohko("run", "--json").code == 0
    kept, rows = record(shop), shop.rows()
    assert any(left_date for *_, left_date, _ in kept["segments.membership"]), "somebody moved"

    for path in (shop.root / ".lohko").glob("warehouse.duckdb*"):
        path.write_bytes(b"damaged")
    failed = shop.lohko("status")
    assert failed.code == 0, "what only reads what is published goes on"
    assert shop.lohko("run").code == 1
    restored = shop.lohko("restore", backup.json["backup"])
    assert restored.code == 0 and "Now run `lohko run`" in restored.out, restored.err
    ended = shop.lohko("run", "--json")
    assert ended.code == 0, ended.err
    assert [run["day"] for run in ended.json["runs"]] == ["2026-03-30", "2026-03-31"], (
        "the latest day of the backup is not what is published, so it runs again"
    )
    assert record(shop) == kept
    unlike = {name for name, text in shop.rows().items() if text != rows[name]}
    assert unlike <= {"batch", "file", "quality"}, unlike


def test_a_restore_says_what_it_needs(shop: Shop) -> None:
    refused = shop.lohko("restore", shop.root)
    assert refused.code == 3 and "expected a folder with manifest.json" in refused.err
    assert shop.lohko("run", "--json").code == 0


def test_there_is_nothing_to_back_up_before_the_first_run(new_shop: Shop) -> None:
    refused = new_shop.lohko("backup")
    assert refused.code == 4 and "run `lohko run` first" in refused.err
