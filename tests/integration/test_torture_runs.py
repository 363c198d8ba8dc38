"""Broken files through the whole command: the source is held, and all else goes on from good data."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.shop import HEADER, Shop
from fixtures.torture.made import bomb, gzipped, many

pytestmark = pytest.mark.alone

ROW = '9001,C001,2026-03-30 12:00:00,web,paid,"10,00","0,00"\n'


def two_alike(folder: Path) -> None:
    (folder / "orders-2.csv").write_text(HEADER + ",Number\n" + ROW.strip() + ",1\n")


def cut_short(folder: Path) -> None:
    (folder / "orders-2.csv.gz").write_bytes(gzipped(many())[:-2000])


def full_of_nothing(folder: Path) -> None:
    (folder / "orders-2.csv.gz").write_bytes(bomb())


def mixed(folder: Path) -> None:
    text = HEADER + "\n" + ROW.replace("C001", "Päivi")
    (folder / "orders-2.csv").write_bytes(text.encode() + ROW.replace("C001", "Päivi").encode("cp1252"))


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "orders-2.csv")


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (two_alike, "columns 1 and 8 of its header have names that differ only in letter case"),
        (cut_short, "truncated"),
        (full_of_nothing, "unpacks to more than 200 times"),
        (mixed, "other lines are"),
        (pipe, "is a pipe"),
    ],
)
def test_a_broken_file_changes_nothing_in_core(shop: Shop, spoil: Callable[[Path], None], what: str) -> None:
    shop.edit("data/orders*.csv", "data/orders*")
    before = shop.tables("core")
    spoil(shop.root / "data")
    ended = shop.lohko("run", "--json")
    assert (ended.code, ended.err) == (5, "")
    (held,) = ended.json["runs"][0]["held"]
    assert what in held and "Päivi" not in held
    assert shop.tables("core") == before
    assert ended.json["run"]["customers"] == 40
    assert not list((shop.root / ".lohko" / "landing").rglob("*.csv"))


def test_a_file_in_another_dialect_enters_and_its_reading_is_shown(shop: Shop) -> None:
    text = (HEADER + "\n" + ROW.replace('"', "")).replace("10,00,0,00", "10.00,0.00").replace(",", ";")
    (shop.root / "data" / "orders-2.csv").write_bytes(text.replace("web", "kioski ä").encode("cp1252"))
    assert shop.lohko("check").code == 0
    assert shop.lohko("run", "--json").code == 0
    files = {file["source"]: file for file in shop.lohko("status", "--json").json["files"]}
    read = files["shop_orders"]
    assert (read["path"], read["encoding"], read["delimiter"]) == ("data/orders-2.csv", "windows-1252", ";")
    assert "encoding" in read["sniffed"]
    shown = shop.lohko("status").out
    row = next(line for line in shown.splitlines() if "data/orders-2.csv" in line)
    assert row.split() == ["shop_orders", "data/orders-2.csv", "semicolon", "windows-1252", "point", "yes"]
    with shop.warehouse() as con:
        found = con.execute("select channel from core.orders where order_id = '9001'").fetchall()
    assert found == [("kioski ä",)]
