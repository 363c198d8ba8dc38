"""SQL is written in the subset that DuckDB and Spark answer alike (docs/portable-sql.md).

`-- dialect: duckdb, REASON` exempts a file.
"""

from pathlib import Path

import pytest
import sqlglot
from portable import faults
from shop import SETTINGS, Shop
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from pipelines.core.facts import resolved
from pipelines.drift import shares
from pipelines.engine import DuckDB
from pipelines.engine.files import ROOT, read_file, sql_files
from pipelines.features import state
from pipelines.features.accounts.families import FRAGMENTS as ACCOUNTS
from pipelines.features.recipe import Recipe, make
from pipelines.features.scoped import scoped

PORTABLE = [path for path in sql_files() if read_file(path)[0].only_duckdb is None]
# What may need DuckDB alone: it follows the size of a batch or of what is shown, not that of the history.
DUCKDB_ONLY = {
    "core/money/queries/waiting_order.sql",
    "core/queries/alike_row.sql",
    "core/queries/changed_value.sql",
    "core/queries/column_redefined.sql",
    "core/queries/row_before.sql",
    "core/queries/row_before_of_survivor.sql",
    "core/queries/disagreement_place.sql",
    "core/queries/shared_form.sql",
    "core/queries/shared_key.sql",
    "drift/finding.sql",
    "drift/queries/bin_to_remember.sql",
    "drift/queries/counts_by_remembered.sql",
    "drift/queries/counts_of_group.sql",
    "publish/marts/quarantine_reason.sql",
    "segments/queries/alike_listed.sql",
    "segments/queries/batch_known_on.sql",
    "segments/queries/batch_known_since.sql",
    "segments/queries/event_of_member.sql",
    "segments/queries/flow.sql",
    "segments/queries/size_of_played_day.sql",
}
# Ledgers of ingest and published marts are DuckDB's own, and so is what is asked of them.
OF_DUCKDB = ("ingest/queries/", "report/queries/")


def test_every_file_is_read_and_few_are_exempt() -> None:
    every = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.sql")}
    exempt = every - {path.relative_to(ROOT).as_posix() for path in PORTABLE}
    assert {name for name in exempt if not name.startswith(OF_DUCKDB)} == DUCKDB_ONLY


@pytest.mark.parametrize("path", PORTABLE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_is_one_select_that_transpiles_to_spark(path: Path) -> None:
    (tree,) = sqlglot.parse(read_file(path)[1], dialect="duckdb")
    assert isinstance(tree, exp.Query)
    assert tree.sql(dialect="spark", unsupported_level=ErrorLevel.RAISE)


@pytest.mark.parametrize("path", PORTABLE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_uses_nothing_that_spark_answers_differently(path: Path) -> None:
    assert faults(read_file(path)[1]) == []


@pytest.fixture(scope="module")
def assembled() -> dict[str, str]:
    """The statements of the size of the history that are put together when a project runs."""
    shop = Shop(age="varchar", latitude="double", longitude="double")
    state.refresh_state(DuckDB(shop.con))
    made = make(DuckDB(shop.con), "customer", Recipe(margin_rate=0.25, settings=SETTINGS, categories=("A",)))
    shop.con.execute("create table features.scope as select 'a' as customer_id")
    with scoped(DuckDB(shop.con), made.stored_sql) as cut:
        return {
            "features of everyone": made.stored_sql,
            "features of some": cut,
            "features as they are read": made.public_sql("features.customer_state"),
            "the state of some days": state._of_orders(state.DAYS),
            "the state of a span": state._of_orders(state.SPAN),
            "sizes of segments": shares._SIZES,
            **{f"accounts: {one.name}": resolved(one.sql, "account") for one in ACCOUNTS},
        }


def test_what_is_assembled_uses_nothing_that_spark_answers_differently(assembled: dict[str, str]) -> None:
    for name, sql in assembled.items():
        assert (name, faults(sql)) == (name, [])
        assert sqlglot.parse_one(sql, dialect="duckdb").sql("spark", unsupported_level=ErrorLevel.RAISE)


@pytest.mark.parametrize(
    "sql",
    [
        "select median(a) from t",
        "select quantile_cont(a, 0.5) from t",
        "select quantile_disc(a, [0.1, 0.5]) from t",
        "select percentile_cont(0.5) within group (order by a) from t",
        "select approx_quantile(a, 0.5) from t",
        "select mode(a) from t",
        "select hash(a) from t",
        "select skewness(a), kurtosis(a) from t",
        "select * replace (1 as a) from t",
        "select * rename (a as b) from t",
        "select columns('a') from t",
        "pivot t on a using sum(b)",
        "select list(a order by b) from t",
        "select first(a order by b) from t",
        "select [x + 1 for x in a] from t",
        "select list_transform(a, lambda x: x + 1) from t",
        "select extract(dow from d) from t",
        "select isodow(d) from t",
        "select last_date - first_date from t",
        "select cast(a as date) - cast(b as date) from t",
        "select date_diff('month', a, b) from t",
        "select a, sum(b) from t group by all",
        "select 1 as a union by name select 2 as a",
        "with x as materialized (select 1) select * from x",
        "select * from a asof join b on a.t >= b.t",
        "select map {'a': 1}",
        "select * from range(5)",
        "select age(a) from t",
        "select sum(a) / 3 from t",
        "select amount / 3 from t",
        "select least(1.0, a) from t",
        "select greatest(a, b, 0.5) from t",
        "select nullif(a, 0) as a from t qualify a = max(a) over (partition by b)",
        "select cast(sum(a) as hugeint) from t",
        "select unnest([1, 2]) as a, unnest([3, 4]) as b from t",
        "select case when a then b else error('no b') end from t",
        "select array_to_string(list_sort(list(distinct a) filter (where b)), ',') from t",
    ],
)
def test_the_check_finds_what_is_not_portable(sql: str) -> None:
    assert faults(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t where b ilike 'x%' qualify row_number() over (partition by a order by b, c) = 1",
        "select least(cast(1 as double), a), greatest(a, 0) from t",
        "select cast(sum(a) as double) / nullif(count(*), 0) from t group by c",
        "select date_diff('day', a_date, b_date), a_date - interval 1 day from t",
        "select * exclude (a) from t semi join s using (a)",
        "select nullif(r.a, 0) as a from t as r qualify r.a = max(r.a) over (partition by r.b)",
    ],
)
def test_the_check_lets_through_what_is_portable(sql: str) -> None:
    assert faults(sql) == []
