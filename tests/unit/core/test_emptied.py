"""An edited mapping that would empty a column of core is refused, of every table, and may be accepted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from canonical_rows import another, row
from deliveries import Deliveries, source

from pipelines.contracts.model import Column, Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.absent import create_absent
from pipelines.core.requeue import accept_mapping, requeue
from pipelines.errors import InvariantError

UNREAD = "try_cast({name} || 'x' as integer)"
# Without a value of these a row stays: of others it goes to quarantine.
MAY_LACK = {
    table: [
        column.name
        for column in contract.columns
        if not column.required and column.name not in {*contract.told_by, *contract.unit}
    ]
    for table, contract in CONTRACTS.items()
}
EVERY = pytest.mark.parametrize("table", [table for table, names in MAY_LACK.items() if names])
ALL_NAMES = {name for contract in CONTRACTS.values() for name in contract.names}
Settings = Mapping[str, object]


def warehouse(folder: Path, table: str) -> Deliveries:
    """A file of two rows that fill every column, in core."""
    made = Deliveries(folder, {"s": source({table: written(table)})})
    create_absent(made.con, [table])
    hand_in(made, *two_rows(CONTRACTS[table]))
    made.refresh()
    return made


def written(table: str) -> dict[str, str]:
    """A mapping of every column of the table; columns of the file are called otherwise."""
    return {name: f"the_{name}" for name in CONTRACTS[table].names}


def hand_in(made: Deliveries, *rows: Mapping[str, str]) -> None:
    """A file of rows that are alike; a column that is none of the table's keeps its name."""
    names = [f"the_{name}" if name in ALL_NAMES else name for name in rows[0]]
    made.land("s", [",".join(names), *(",".join(found.values()) for found in rows)], judged=False)


def two_rows(contract: Contract) -> list[dict[str, str]]:
    """Two rows of different keys."""
    return [row(contract), row(contract, another(contract, told_apart_by(contract).name))]


def told_apart_by(contract: Contract) -> Column:
    """A column of the key that may have any value."""
    columns = map(contract.column, contract.told_by)
    return next(column for column in columns if column is not None and not column.allowed)


def edit(made: Deliveries, table: str, **expressions: str) -> None:
    """Change some expressions of the mapping, as somebody who edits project.yaml does."""
    made.sources["s"] = source({table: written(table) | expressions})


def may_go(table: str) -> list[str]:
    """The columns that an edit may empty at once: one of those that say whose a row is has to stay."""
    return [name for name in MAY_LACK[table] if name not in CONTRACTS[table].one_of]


def refused(made: Deliveries, *told: str) -> None:
    """Bringing core up is refused with some words, and changes nothing."""
    before = made.core()
    with pytest.raises(InvariantError) as fault:
        made.refresh()
    assert fault.value.exit_code == 4
    assert all(word in str(fault.value) for word in told), str(fault.value)
    assert made.core() == before


@EVERY
def test_a_mapping_onto_a_column_that_landed_files_lack_is_refused(tmp_path: Path, table: str) -> None:
    """Another file brings the column; what landed before has none."""
    made = warehouse(tmp_path, table)
    key = told_apart_by(CONTRACTS[table])
    third = "2030-01-01" if key.type == "DATE" else "x3"
    hand_in(made, row(CONTRACTS[table], {key.name: third}) | {"later": ""})
    made.refresh()
    names = may_go(table)
    edit(made, table, **dict.fromkeys(names, "later"))
    refused(made, *(f"{table}.{name}: nothing is read in " for name in names))


@EVERY
def test_a_mapping_that_reads_nothing_of_filled_columns_is_refused_until_it_is_accepted(
    tmp_path: Path, table: str
) -> None:
    made = warehouse(tmp_path, table)
    names = may_go(table)
    edit(made, table, **{name: UNREAD.format(name=f"the_{name}") for name in names})
    where = [f"sources.s.tables.{table}.{name}: nothing is read in 2 of 2 landed rows" for name in names]
    refused(made, *where, "s-0001.csv:", "lohko quarantine accept-mapping s")
    told: list[str] = []
    lost = accept_mapping(made.con, made.sources, "s", None, None, told.extend)
    assert lost == told and len(lost) == len(names)
    assert all(any(f"{table}.{name}:" in line for line in lost) for name in names)
    assert made.refresh()[table].how == "unchanged"
    emptied = made.core()
    assert emptied == made.rebuild()
    assert accept_mapping(made.con, made.sources, "s", None, None, told.append) == []
    # The way back loses nothing, and needs nobody.
    edit(made, table)
    made.refresh()
    assert made.core() != emptied


@EVERY
def test_what_newer_rows_say_is_theirs_to_say(tmp_path: Path, table: str) -> None:
    """Rows that another file replaced are not looked at: the new one has the column, under its new name.

    And what the new one leaves blank is no fault of the mapping.
    """
    made = warehouse(tmp_path, table)
    contract, (name, *others) = CONTRACTS[table], may_go(table)
    renamed = [
        {("later" if of == name else of): "" if of in others else value for of, value in found.items()}
        for found in two_rows(contract)
    ]
    edit(made, table, **{name: "later"})
    hand_in(made, *renamed)
    made.refresh()
    assert made.rows(f'select count("{name}") as filled from core.{table}') == [{"filled": 2}]


FEW = {"income": "income", "born": "born"}


def customers(folder: Path, count: int = 20, **settings: object) -> Deliveries:
    made = Deliveries(folder, {"s": source({"customers": {"customer_id": "id", **FEW}}, **settings)})
    made.land("s", ["id,income,born", *(f"c{n},{n},2000-01-{n + 1:02}" for n in range(count))])
    made.refresh()
    return made


def remap(made: Deliveries, settings: Settings | None = None, **expressions: str) -> Deliveries:
    made.sources["s"] = source(
        {"customers": {"customer_id": "id", **FEW, **expressions}}, **dict(settings or {})
    )
    return made


def test_some_may_go_as_of_a_new_batch_and_a_condition_means_some_to(tmp_path: Path) -> None:
    made = customers(tmp_path)
    share = {"max_bad_share": 0.2}
    few = "case when try_cast(income as integer) < {} then income end"
    remap(made, share, income="try_cast(nullif(nullif(income, '3'), '4') as integer)").refresh()
    assert made.rows("select count(income) as filled from core.customers") == [{"filled": 18}]
    remap(made, share).refresh()
    plain = "try_cast(replace(replace(income, '1', 'l'), '2', 'z') as integer)"
    refused(remap(made, share, income=plain), "income: nothing is read in 12 of 20")
    remap(made, income=few.format(5)).refresh()
    refused(remap(made, income=few.format(0)), "income: nothing is read in 5 of 5")
    # Whoever lets every row of a batch be faulty lets these go too.
    remap(made, {"max_bad_share": 1}, income=few.format(0)).refresh()


def test_a_declared_type_that_nothing_fits_is_an_edit_as_well(tmp_path: Path) -> None:
    made = customers(tmp_path)
    made.sources["s"].declare("customers", {"born": "number"})
    refused(made, "customers.born: nothing is read in 20 of 20")


def test_a_column_that_is_taken_out_of_the_mapping_goes_without_a_word(tmp_path: Path) -> None:
    """Nothing is read wrongly: somebody says that it is not wanted, as with `leave_out`."""
    made = customers(tmp_path)
    made.sources["s"] = source({"customers": {"customer_id": "id", "income": "income"}}, leave_out=["born"])
    made.refresh()
    assert "born" not in made.columns("customers")


def test_only_the_source_that_was_edited_is_judged_and_named(tmp_path: Path) -> None:
    """Two sources of one table, put together column by column: each has what it says."""
    made = Deliveries(
        tmp_path, {name: source({"customers": {"customer_id": "id", "town": "town"}}) for name in "st"}
    )
    for name in "st":
        made.land(name, ["id,town", *(f"c{n},{name}-town" for n in range(4))])
    made.refresh()
    made.sources["t"] = source({"customers": {"customer_id": "id", "town": UNREAD.format(name="town")}})
    refused(made, "sources.t.tables.customers.town: nothing is read in 4 of 4", "accept-mapping t")
    with pytest.raises(InvariantError):
        accept_mapping(made.con, made.sources, "s", None, None, print)
    accept_mapping(made.con, made.sources, "t", None, None, print)
    assert made.rows("select distinct town from core.customers") == [{"town": "s-town"}]


def test_a_requeue_takes_no_loss_either(tmp_path: Path) -> None:
    made = Deliveries(
        tmp_path, {"s": source({"customers": {"customer_id": "id", "town": "town"}}, max_bad_share=0.5)}
    )
    made.land("s", ["id,town", "c1,Oulu", "c2,Turku", ",Vaasa"])
    made.refresh()
    before = made.core()
    edited = {"customer_id": "coalesce(id, 'c3')", "town": UNREAD.format(name="town")}
    made.sources["s"] = source({"customers": edited}, max_bad_share=0.5)
    with pytest.raises(InvariantError, match=r"customers.town: nothing is read in 2 of 2"):
        requeue(made.con, made.sources, "s", "run")
    assert made.core() == before
