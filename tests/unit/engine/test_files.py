"""What a `.sql` file says of itself, and what follows from its SELECT."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.engine import Statement, load_fragment, load_query, load_step, parse_step
from pipelines.engine.files import ROOT, parse_file, read_file, sql_files

FRAGMENT = "-- fragment: demo.wide\n-- One row per a.\n-- key: a\nselect 1 as a"
QUERY = "-- query\n-- One row per a.\nselect 1 as a"
STEP = "-- step: demo.day\n-- One row per a.\n-- key: a\n-- store: replace\nselect 1 as a"
ELSEWHERE = [path for room in ("lohko", "resources") for path in (ROOT.parent / room).rglob("queries/*.sql")]
FILES = [*sql_files(), *sorted(ELSEWHERE)]


def test_inputs_and_parameters_follow_from_the_select() -> None:
    step = parse_step(
        "-- step: demo.day\n-- One row per day.\n-- store: replace\n"
        "with c as (select * from core.b) -- core.no, $no\n"
        "select $day as day, 'core.no $no' as \"core.no $no\" from c, other_part\n"
        'where exists (select 1 from CORE."A") and $first::date < c.day',
        "demo.sql",
    )
    assert (step.inputs, step.fragments) == (("core.a", "core.b"), ("other_part",))
    assert step.parameters == {"day", "first"}
    assert step.columns == ("day", "core.no $no")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT.parent).as_posix())
def test_the_header_of_every_file_is_true(path: Path) -> None:
    header, sql = read_file(path)
    columns = set(Statement(sql).columns)
    if "*" not in columns:
        assert {*header.key} <= columns
        assert header.store.partition(" ")[2] in {*columns, ""}
    assert header.kind == "query" or header.key or header.store
    assert (header.kind == "fragment") == (path.parent.name in ("families", "accounts", "scope"))


def test_what_a_step_reads_besides_tables_is_a_fragment_beside_it() -> None:
    for path in FILES:
        header, sql = read_file(path)
        # Orders are cut down once, for themselves and for their lines.
        read = set() if header.kind == "query" else {*Statement(sql).fragments} - {"scoped_orders"}
        for name in read:
            assert (
                header.kind == "fragment" and load_fragment(path.parent / f"{name}.sql").table == header.table
            )


def test_a_file_is_loaded_as_what_it_is_and_as_nothing_else(tmp_path: Path) -> None:
    of_kind = {"fragment": FRAGMENT, "query": QUERY, "step": STEP}
    for kind, text in of_kind.items():
        (tmp_path / f"{kind}.sql").write_text(text, encoding="utf-8")
    loaders = {"fragment": load_fragment, "query": load_query, "step": load_step}
    for kind, load in loaders.items():
        assert load(tmp_path / f"{kind}.sql").sql == "select 1 as a"
        for other in of_kind.keys() - {kind}:
            with pytest.raises(ValueError, match=rf"{other}.sql: a {other}, where a {kind} is expected"):
                load(tmp_path / f"{other}.sql")
    with pytest.raises(ValueError, match="a fragment is no step: it cannot be run alone"):
        parse_step(FRAGMENT, "fragment.sql")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the first line names the kind"),
        ("select 1", "the first line names the kind"),
        ("-- demo.day\n-- One row.\n-- store: replace\nselect 1", "the first line names the kind"),
        (STEP.replace("-- store: replace\n", ""), "a step says `-- store:`"),
        (STEP.replace("replace", "partitoin day"), "a step says `-- store:`"),
        (STEP.replace("-- One row per a.\n", ""), "says what a row is"),
        (STEP.replace("step: demo.day", "step"), "names the table"),
        (QUERY.replace("query", "query: demo.day"), "names the table"),
        (STEP.replace("-- key", "-- inputs: core.orders\n-- key"), "`inputs` follow from the SELECT"),
        (FRAGMENT.replace("-- key", "-- store: replace\n-- key"), "only a step is stored"),
        (STEP.replace("-- key", "-- dialect: duckdb\n-- key"), "expected `-- dialect: duckdb, REASON`"),
        (STEP.replace("-- key", "-- dialect: spark, as\n-- key"), "expected `-- dialect: duckdb, REASON`"),
    ],
)
def test_a_header_that_lacks_something_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_file(text, "demo.sql")


def test_comments_of_the_select_are_no_part_of_the_header_and_none_ends_it() -> None:
    header, sql = parse_file(STEP + ",\n-- key: b\n2 as b -- store: append\n;\n-- the end\n", "demo.sql")
    assert (header.key, header.store, header.description) == (("a",), "replace", "One row per a.")
    assert sql == "select 1 as a,\n-- key: b\n2 as b"
