"""A warehouse of any schema version becomes what a new one is, table by table and column by column."""

from __future__ import annotations

import pytest
from fixtures.alone import refresh
from fixtures.schemas import NEXT, columns_of_tables, dump_of, kept_tables
from fixtures.shop import Shop

from pipelines.engine import connect
from resources.warehouse_schema import newest_version, set_version, version_of

pytestmark = pytest.mark.alone


def test_a_table_of_another_form_has_a_migration(shop: Shop) -> None:
    version = newest_version()
    made = {table: columns for table, (_, columns) in kept_tables(shop).items()}
    with connect() as con:
        con.execute(dump_of(version).read_text(encoding="utf-8"))
        known = columns_of_tables(con)
    changed = [table for table in made.keys() & known.keys() if made[table] != known[table]]
    next_file = f"resources/migrations/warehouse/{version + 1:04}_what_changes.sql"
    assert not changed, (
        f"the form of {changed} is not that of schema version {version}: write {next_file}, then"
        " `python -m fixtures.schemas`"
    )
    assert made.keys() == known.keys(), (
        "a new table needs no migration: `python -m fixtures.schemas` notes it"
    )


@pytest.mark.parametrize("version", range(1, newest_version() + 1))
def test_a_migrated_warehouse_goes_on_and_equals_a_new_one(new_shop: Shop, version: int) -> None:
    path = new_shop.project.warehouse_path
    path.parent.mkdir(parents=True, exist_ok=True)
    with connect(str(path)) as con:
        con.execute(dump_of(version).read_text(encoding="utf-8"))
        set_version(con, version)
    assert refresh(new_shop.project, NEXT) is not None
    with connect() as con:
        con.execute(dump_of(newest_version()).read_text(encoding="utf-8"))
        expected = columns_of_tables(con)
    with new_shop.warehouse() as con:
        assert version_of(con) == newest_version()
        found = columns_of_tables(con)
    assert {table: found[table] for table in expected} == expected
