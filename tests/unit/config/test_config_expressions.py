"""Expressions: what is allowed keeps its meaning, and everything else is refused with a clear message."""

from __future__ import annotations

import string
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config.expression import columns_in, parse_scalar, to_sql
from pipelines.engine import connect
from pipelines.errors import ConfigError

ROW = (
    "create table t as select 7 as a, 2.5 as b, date '2020-01-31' as d,"
    " timestamp '2020-01-31 10:11:12' as ts, ' Ab,c ' as s, '2020-02-03' as u, true as flag,"
    """ '{"city": "Oulu", "tags": ["x", "y"], "a b": {"c": 1}}' as j"""
)
COLUMNS = ["a", "b", "d", "ts", "s", "u", "flag", "j"]

ALLOWED = """
a
A
-a + 1.5e1 * (b - 2) / 4
a // 2 % 3
a - (b - 1)
j ->> 'city'
j ->> '$."a b".c'
json_extract_string(j, '$.tags[1]')
cast(j ->> '$."a b".c' as integer) = 1
a ** 2
a = 7 and not (b > 3 or s is null)
a <> 7
a between 1 and 9
a not in (1, 2)
a is not distinct from b
flag is true
s like '%!_' escape '!'
s not ilike '%AB%'
s ~ 'A.'
s || 'it''s'
case when a = 7 then 'x' else 'y' end
case a when 7 then 1 end
if(a = 7, 1, 2)
coalesce(s, 'x')
ifnull(nullif(a, 7), 3)
abs(a)
sign(b)
round(b)
round(b, 1)
floor(b)
ceil(b)
trunc(b)
sqrt(a)
exp(b)
ln(b)
log(b)
log10(b)
log2(b)
greatest(a, b)
least(a, b)
isnan(cast(b as double))
lower(s)
upper(s)
trim(s)
ltrim(s)
rtrim(s, ' c')
length(s)
left(s, 2)
right(s, 2)
substring(s, 2, 3)
substring(s from 2 for 3)
lpad(s, 9, '0')
rpad(s, 9, '0')
reverse(s)
replace(s, 'A', 'B')
translate(s, 'A', 'B')
split_part(s, ',', 2)
strpos(s, 'b')
position('b' in s)
concat(a, s)
concat_ws('-', a, s)
md5(s)
starts_with(s, ' ')
ends_with(s, ' ')
contains(s, 'A')
regexp_matches(s, 'A.')
regexp_full_match(s, 'A.')
regexp_extract(s, 'A(.)', 1)
regexp_replace(s, '[a-z]', 'B', 'g')
strip_accents(s)
date(ts)
make_date(2020, 1, 2)
d + interval 3 day
d + interval '3 days'
date_add(d, interval 3 day)
date_diff('day', d, cast(u as date))
date_trunc('month', ts)
date_part('year', ts)
last_day(d)
extract(isodow from ts)
year(d)
quarter(d)
month(d)
week(d)
day(d)
hour(ts)
minute(ts)
second(ts)
dayofweek(d)
isodow(d)
dayofmonth(d)
dayofyear(d)
strptime(u, '%Y-%m-%d')
try_strptime(u, '%d.%m.%Y')
strftime(ts, '%H')
to_timestamp(a)
epoch_ms(a)
epoch(ts)
ts at time zone 'UTC'
try_cast(s as integer)
a::decimal(18, 4)
u::timestamp with time zone
date '2020-01-01'
true
null
""".strip().splitlines()

REFUSED = {
    "(select 1)": "a subquery",
    "a in (select 1)": "a subquery",
    "exists (select 1)": "a subquery",
    "select a from t": "a subquery",
    "from t": "a subquery",
    "a union select 1": "a subquery",
    "a; b": "found 2 statements",
    "a; drop table t": "found 2 statements",
    "a -- x\n; drop table t": "found 2 statements",
    "/* a */": "found 0 statements",
    "": "found 0 statements",
    "a /* b": "is not an SQL expression",
    "drop table t": "holds",
    "insert into t values (1)": "a statement",
    "create table x as select 1": "a statement",
    "copy t to 'x.csv'": "holds",
    "attach 'x.db'": "holds",
    "pragma database_list": "holds",
    "set threads = 1": "holds",
    "install httpfs": "holds",
    "load httpfs": "holds",
    "call pragma_version()": "holds",
    "vacuum": "vacuum",
    "sum(a)": "an aggregate",
    "count(*)": "an aggregate",
    "any_value(a)": "an aggregate",
    "list(a)": "list",
    "string_agg(s, ',')": "an aggregate",
    "row_number() over ()": "a window function",
    "a over ()": "",
    "lag(a) over (order by a)": "a window function",
    "*": "a star",
    "columns(*)": "a star",
    "columns('a')": "columns",
    "?": "a parameter",
    "$1": "a parameter",
    "$name": "a parameter",
    ":name": "a parameter",
    "#1": "positionalcolumn",
    "list_transform([1], x -> x)": "a lambda",
    "[1, 2]": "array",
    "{'a': 1}": "struct",
    "a[1]": "bracket",
    "(a, b)": "tuple",
    "a as b": "alias",
    "a b": "alias",
    "b: a": "alias",
    "a collate nocase": "collate",
    "a.b(1)": "dot",
    "unnest([1])": "a table function",
    "current_date": "the clock",
    "today()": "the clock",
    "current_timestamp": "the clock",
    "current_time": "the clock",
    "localtimestamp": "the clock",
    "localtime": "the clock",
    "now()": "calls now",
    "get_current_timestamp()": "calls",
    "transaction_timestamp()": "calls transaction_timestamp",
    "age(ts)": "calls age",
    "random()": "a random number",
    "setseed(0.5)": "calls setseed",
    "uuid()": "calls uuid",
    "gen_random_uuid()": "calls uuid",
    "uuidv7()": "calls uuidv7",
    "nextval('seq')": "calls nextval",
    "currval('seq')": "calls currval",
    "txid_current()": "calls txid_current",
    "read_text('/etc/passwd')": "calls read_text",
    "read_blob('/etc/passwd')": "calls read_blob",
    "read_csv('x.csv')": "calls",
    "glob('/*')": "calls glob",
    "getenv('HOME')": "calls getenv",
    "getvariable('x')": "calls getvariable",
    "current_setting('threads')": "calls current_setting",
    "version()": "calls current_version",
    "current_user": "calls current_user",
    "session_user": "calls session_user",
    "current_database()": "calls current_database",
    "current_schema()": "calls current_schema",
    "current_query()": "calls current_query",
    "query('select 1')": "calls query",
    "query_table('t')": "calls query_table",
    "sleep_ms(1000)": "calls sleep_ms",
    "repeat(s, 1000000000)": "calls repeat",
    "write_log('x')": "calls write_log",
    "error('x')": "calls error",
    "lowr(s)": "did you mean lower",
    "try_strptim(s, '%d')": "did you mean try_strptime",
    "ordr_id": "not a column here",
    "t.a": "not a column here",
    "rowid": "not a column here",
    "flg": "did you mean flag",
    "FLG": "did you mean flag",
    'lower("%d.%m")': "a text stands in single quotes",
    "flag && flag": "holds &&, which is written `and`",
    "cast(a as json)": "casts to JSON",
    "j ->> '$.*'": "jsonpathwildcard",
    "j -> 'city'": "calls json_extract",
    "read_json('x') ->> 'a'": "calls read_json",
    "cast(a as integer[])": "casts to INT[]",
    "cast(a as mood)": "casts to mood",
    "extract(moon from ts)": "",
    "interval 3 moon": "expected a unit of time",
    "a +": "is not an SQL expression",
    "a ->": "is not an SQL expression: something is missing",
}


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = connect(config={"enable_external_access": "false"})
    con.execute("set TimeZone = 'Europe/Helsinki'")
    con.execute(ROW)
    yield con
    con.close()


@pytest.mark.parametrize("text", ALLOWED)
def test_an_allowed_expression_means_what_was_written(con: duckdb.DuckDBPyConnection, text: str) -> None:
    sql = to_sql(parse_scalar(text, COLUMNS, "here"))
    assert con.execute(f"select {sql} from t").fetchall() == con.execute(f"select {text} from t").fetchall()


@pytest.mark.parametrize("text", REFUSED)
def test_anything_else_is_refused_and_says_why(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_scalar(text, COLUMNS, "project.yaml:7: here")
    assert str(caught.value).startswith("project.yaml:7: here: ")
    assert REFUSED[text] in str(caught.value)


def test_an_expression_nested_too_deeply_is_a_fault_and_no_crash() -> None:
    with pytest.raises(ConfigError, match="here: the expression is nested too deeply"):
        parse_scalar("(" * 2000 + "a" + ")" * 2000, COLUMNS, "here")


def test_a_comment_does_not_reach_the_sql() -> None:
    tree = parse_scalar("a /* */ + b -- read_text('x')", COLUMNS, "here")
    assert to_sql(tree) == '"a" + "b"'


def test_a_column_with_an_odd_name_is_quoted() -> None:
    odd = 'a" from read_text('
    tree = parse_scalar('"a"" from read_text("', [odd], "here")
    assert columns_in(tree) == {odd}
    assert to_sql(tree) == '"a"" from read_text("'


def test_every_scalar_function_of_duckdb_is_refused_or_only_computes(con: duckdb.DuckDBPyConnection) -> None:
    """Those DuckDB calls volatile, and all that read what is not an argument, must be refused."""
    volatile = con.execute(
        "select distinct function_name from duckdb_functions()"
        " where function_type in ('scalar', 'macro') and (stability <> 'CONSISTENT' or len(parameters) = 0)"
    ).fetchall()
    allowed = set()
    for (name,) in volatile:
        if not set(name) <= {*string.ascii_lowercase, *string.digits, "_"}:
            continue
        for arguments in ("", "a", "s", "a, s"):
            try:
                parse_scalar(f"{name}({arguments})", COLUMNS, "here")
                allowed.add(name)
            except ConfigError:
                pass
    # concat and concat_ws without arguments, and casts of session-dependent instants: nothing else.
    assert allowed <= {"concat", "date", "date_add", "date_part", "greatest", "least"}


WORDS = [
    *("a", "b", "s", "d", "ts", "flag", "unknown", "1", "2.5", "'x'", "null", "true"),
    *(
        "select",
        "from",
        "t",
        "where",
        "union",
        "with",
        "as",
        "values",
        "table",
        "describe",
        "pivot",
        "distinct",
    ),
    *(
        "and",
        "or",
        "not",
        "in",
        "is",
        "like",
        "between",
        "case",
        "when",
        "then",
        "else",
        "end",
        "exists",
        "any",
    ),
    *("(", ")", "(", ")", ",", ";", "*", "+", "-", "/", "=", "<", "||", "::", ":", "->", ".", "[", "]", "--"),
    *("cast(", "date", "integer", "interval", "day", "over ()", "filter (", "lower(", "coalesce(", "round("),
    *("random()", "now()", "uuid()", "read_text(", "getenv(", "current_user", "current_date", "nextval("),
    *(
        "copy",
        "attach",
        "pragma",
        "set",
        "drop table t",
        "insert into t",
        "order by",
        "limit",
        "lambda x:",
        "$1",
    ),
    *("/*", "*/", "try(", "unnest(", "columns(", "struct_pack(", "'", '"', "$$", "at time zone", "collate"),
]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9))
def test_whatever_gets_through_is_one_value_a_row_and_touches_nothing(words: list[str]) -> None:
    try:
        sql = to_sql(parse_scalar(" ".join(words), COLUMNS, "here"))
    except ConfigError:
        return
    with connect(config={"enable_external_access": "false"}) as con:
        con.execute(ROW)
        try:
            found = con.execute(f"select {sql} as value from t").fetchall()
        except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException):
            return
        except duckdb.BinderException as error:  # the types of the arguments do not fit
            assert "function" in str(error) or "type" in str(error) or "compare" in str(error), sql
            return
        assert len(found) == 1 and len(found[0]) == 1
        assert con.execute("select count(*) from duckdb_tables()").fetchone() == (1,)
