"""SQL is written in the subset that DuckDB and Spark answer alike (docs/portable-sql.md).

`-- dialect: duckdb, REASON` exempts a file.
"""

from pathlib import Path

import pytest
import sqlglot
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
    "drift/finding.sql",
    "drift/queries/counts_of_group.sql",
    "publish/marts/quarantine_reason.sql",
    "segments/queries/batch_known_on.sql",
    "segments/queries/batch_known_since.sql",
    "segments/queries/event_of_member.sql",
    "segments/queries/flow.sql",
    "segments/queries/places_of_member.sql",
    "segments/queries/size_of_played_day.sql",
}
# Ledgers of ingest and published marts are DuckDB's own, and so is what is asked of them.
OF_DUCKDB = ("ingest/queries/", "report/queries/")

# Node types that fail on Spark or answer differently there.
NODES: dict[type[exp.Expr], str] = {
    exp.Quantile: "quantile",
    exp.ApproxQuantile: "approx_quantile",
    exp.PercentileCont: "percentile_cont",
    exp.PercentileDisc: "percentile_disc",
    exp.Median: "median",
    exp.Mode: "mode",
    exp.Skewness: "skewness",
    exp.Kurtosis: "kurtosis",
    exp.Pivot: "pivot",
    exp.Lambda: "a lambda",
    exp.Map: "a map",
    exp.ToMap: "a map",
    exp.GenerateSeries: "generate_series",
    exp.GenerateDateArray: "generate_series",
    exp.Comprehension: "a list comprehension",
    exp.DayOfWeek: "dayofweek",
    exp.DayOfWeekIso: "isodow",
}
FUNCTIONS = {"hash", "age", "range", "histogram", "kurtosis_pop", "mad", "entropy", "reservoir_quantile"}


def faults(sql: str) -> list[str]:
    """What in a SELECT would fail on Spark, or answer differently there."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    found = [name for kind, name in NODES.items() if tree.find(kind)]
    doubles = {one.alias for one in tree.find_all(exp.Alias) if is_double(one.this, set())}
    for node in tree.walk():
        if isinstance(node, exp.Anonymous) and node.name.lower() in FUNCTIONS:
            found.append(f"{node.name}()")
        elif isinstance(node, exp.Star) and (node.args.get("replace") or node.args.get("rename")):
            found.append("* replace or rename")
        elif isinstance(node, exp.Columns):
            found.append("columns(*)")
        elif isinstance(node, (exp.ArrayAgg, exp.First, exp.Last)) and node.find(exp.Order):
            found.append("an ordered list or first")
        elif isinstance(node, exp.Extract) and node.name.lower() in ("dow", "isodow", "dayofweek", "weekday"):
            found.append("extract(dow)")
        elif isinstance(node, exp.Sub) and is_date(node.this) and is_date(node.expression):
            found.append("date - date")
        elif isinstance(node, exp.DateDiff) and node.text("unit").upper() not in ("DAY", "WEEK", "YEAR"):
            found.append("date_diff in other than days, weeks or years")
        elif isinstance(node, exp.Group) and node.args.get("all"):
            found.append("group by all")
        elif isinstance(node, exp.SetOperation) and node.args.get("by_name"):
            found.append("union by name")
        elif isinstance(node, exp.CTE) and node.args.get("materialized"):
            found.append("a materialized CTE")
        elif isinstance(node, exp.Join) and node.method.upper() == "ASOF":
            found.append("an asof join")
        elif isinstance(node, exp.Qualify) and over_alias(node):
            found.append("qualify over an alias")
        elif isinstance(node, exp.ArrayToString) and not isinstance(node.parent, exp.Nullif):
            found.append("a list as text that may be empty: here NULL, there an empty text")
        elif isinstance(node, exp.Div) and not is_double(node.this, doubles):
            found.append(f"a division that is not of doubles: {node.sql('duckdb')}")
    return found


def is_date(node: exp.Expr) -> bool:
    """As far as a name or a cast says it."""
    if isinstance(node, exp.Cast):
        return node.to.is_type("date")
    return isinstance(node, exp.Column) and node.name.endswith(("_date", "_on"))


def over_alias(qualify: exp.Qualify) -> bool:
    """Whether a name is both a column of the relation and another column of the result."""
    select = qualify.parent
    aliases = {one.alias for one in select.selects if isinstance(one, exp.Alias)} if select else set()
    return any(not column.table and column.name in aliases for column in qualify.find_all(exp.Column))


def is_double(node: exp.Expr, doubles: set[str]) -> bool:
    """A cast to double, a choice among such, or a column that the same file makes by such a cast."""
    if isinstance(node, exp.Coalesce):
        return all(is_double(part, doubles) for part in (node.this, *node.expressions))
    if isinstance(node, exp.Mul):
        return is_double(node.this, doubles)
    if isinstance(node, exp.Column):
        return node.name in doubles
    return isinstance(node, exp.Cast) and node.to.is_type("double")


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
        "select nullif(a, 0) as a from t qualify a = max(a) over (partition by b)",
        "select array_to_string(list_sort(list(distinct a) filter (where b)), ',') from t",
    ],
)
def test_the_check_finds_what_is_not_portable(sql: str) -> None:
    assert faults(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t where b ilike 'x%' qualify row_number() over (partition by a order by b, c) = 1",
        "select cast(sum(a) as double) / nullif(count(*), 0) from t group by c",
        "select date_diff('day', a_date, b_date), a_date - interval 1 day from t",
        "select * exclude (a) from t semi join s using (a)",
        "select nullif(r.a, 0) as a from t as r qualify r.a = max(r.a) over (partition by r.b)",
    ],
)
def test_the_check_lets_through_what_is_portable(sql: str) -> None:
    assert faults(sql) == []
