"""Names put into a query: as identifiers, whatever they hold, and nowhere else."""

from __future__ import annotations

import pytest

from pipelines.engine import Statement, Table, connect
from pipelines.engine.files import Query
from pipelines.engine.slots import fill

ODD = 'a"b; drop table t; --'


def test_a_name_is_put_in_as_an_identifier_whatever_it_holds() -> None:
    query = Query('select "$column" as "x $column" from "$table" as r where "$column" > $least', "")
    assert query.parameters == {"least"}
    sql = query.filled(column=ODD, table=Table("demo.t"))
    with connect() as con:
        con.execute('create schema demo; create table demo.t ("a""b; drop table t; --" int)')
        con.execute("insert into demo.t values (1), (2)")
        assert con.execute(sql, {"least": 1}).fetchall() == [(2,)]


def test_columns_are_listed_each_with_the_alias_before_the_slot() -> None:
    text = 'select r."$key", 1 as n from "$table" as r group by r."$key"'
    sql = fill(text, {"key": ["a", "b.c"], "table": Table("s.t")})
    assert sql == 'select r."a", r."b.c", 1 as n from "s"."t" as r group by r."a", r."b.c"'


def test_a_statement_is_put_in_between_parentheses() -> None:
    parts = {"of": Statement("select 1 as a -- one"), "if": Statement("a > 0")}
    sql = fill('select * from "$of" where "$if"', parts)
    assert connect().execute(sql).fetchall() == [(1,)]


@pytest.mark.parametrize(
    "text", ["a > 0) or (1 = 1", "1; drop table t", "1)", "(1", "1 /* on", "1) as b, (2", "'a"]
)
def test_a_statement_cannot_end_the_parentheses_that_it_is_put_between(text: str) -> None:
    with pytest.raises(Exception, match=r"expected one statement|are not closed|Missing '|Error tokenizing"):
        fill('select * from t where "$if"', {"if": Statement(text)})


def test_expressions_are_listed_by_the_names_they_get() -> None:
    sql = fill('select "$made", 3 as c', {"made": {ODD: Statement("1 -- one"), "b": Statement("1 + 1")}})
    assert [column[0] for column in connect().execute(sql).description] == [ODD, "b", "c"]
    with pytest.raises(ValueError, match="expected one statement"):
        fill('select "$made"', {"made": {"a": Statement("1) from t; select (2")}})


@pytest.mark.parametrize("slots", [{}, {"a": "x", "b": "y"}, {"b": "x"}, {"a": []}, {"a": {}}])
def test_slots_and_values_must_match(slots: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"slots are \['a'\]|at least one column"):
        fill('select "$a"', slots)


def test_text_and_comments_that_look_like_slots_stay() -> None:
    sql = 'select \'"$a"\' as x -- "$a"\nfrom t'
    assert fill(sql, {}) == sql
