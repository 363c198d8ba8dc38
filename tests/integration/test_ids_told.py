"""Ids that do not meet are told by the command, with counts and places and without the ids."""

from __future__ import annotations

import pytest
from fixtures.shop import Shop

pytestmark = pytest.mark.alone

LIST = """\
segmentation: uploads
name: Uploads
kind: lists
segments:
  - {id: vip, name: VIP, file: data/vip.csv}
"""


def test_ids_that_lost_their_zeros_and_a_list_that_matches_nobody_are_told(shop: Shop) -> None:
    crm = shop.root / "data" / "customers.csv"
    header, *rows = crm.read_text().splitlines()
    crm.write_text("\n".join([header, *(row.replace("C0", "c0", 1) for row in rows)]) + "\n")
    (shop.root / "data" / "vip.csv").write_text("customer_id\nC-001\nC-002\n", encoding="utf-8")
    (shop.root / "segments" / "uploads.yaml").write_text(LIST, encoding="utf-8")
    ended = shop.lohko("run")
    assert ended.code == 0, ended.err
    status, checked = shop.lohko("status"), shop.lohko("check")
    for told in (ended.out, status.out, checked.out + checked.err):
        said = " ".join(told.split())
        assert "letter case (" in said and "it matches nobody" in said
    assert "have no event" in status.out
    assert "C-001" not in ended.out + status.out + checked.out + checked.err
    with shop.warehouse() as con:
        covered = con.execute(
            "select table_name, known_rows, known_row_share from marts.coverage"
            " where referenced_table = 'customers' order by table_name"
        ).fetchall()
        samples = con.execute(
            "select samples from marts.quality where check_name = 'customer_id_alike' order by all"
        ).fetchall()
    assert ("uploads", 0, 0.0) in covered
    assert {row[0]: row[1] for row in covered}["orders"] == 0
    assert all(places and "data/" in places for (places,) in samples) and len(samples) == 2
