"""Ten thousand generated conditions: what is accepted is a boolean expression, what is refused says where."""

import random
import string
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from fixtures.seeds import SEED
from population import RULES, TYPES, D
from shop import Shop

from pipelines.config.expression import refuse_unlisted
from pipelines.core import money
from pipelines.engine import DuckDB, quote
from pipelines.errors import ConfigError
from pipelines.features.catalogue import Feature
from pipelines.segments.conditions import Reader, place_in
from pipelines.segments.definitions import Load
from pipelines.segments.model import Condition, merged
from pipelines.segments.select import bindings, relation

COUNT, FEW = 10_000, 3_000
WHERE = "segments/fuzz.yaml:6: segments.0.when"
UNITS = {"recency_days": "days", "revenue_365d": "currency", "share_meat_365d": "share"}
FEATURES = [Feature(name, "test", UNITS.get(name, ""), kind, name) for name, kind in TYPES.items()]

INJECTIONS = """
; drop table core.orders
'; drop table core.orders; --
recency_days > 1; delete from features.customer
(select count(*) from core.orders) > 0
exists (select 1 from features.customer)
recency_days in (select 1)
(copy core.orders to '/tmp/lohko-fuzz.csv')
read_text('/etc/passwd') = 'x'
read_csv('/etc/passwd') is null
getenv('HOME') = 'x'
glob('/*') = 'x'
current_setting('threads') = '1'
customer_id = 'c1'
1=1) union select * from core.customers --
pragma database_list
attach '/tmp/lohko-fuzz.db'
set threads = 1
install httpfs
nextval('s') > 0
random() > 0.5
now() > last_purchase_date
sleep_ms(1) is null
write_log('x') is null
error('x') is null
query('drop table core.orders') is null
recency_days > (delete from core.orders)
did(orders, where: status = 'x'); drop table core.orders
did(orders, where: (select true), within: 90d)
did(orders, where: did(orders), within: 90d)
did(core.orders, where: true)
did("orders", where: true, within: 90d)
did(sqlite_master)
did(orders, where: true, within: 90)
did(orders, where: true, within: -1d)
did(orders, within: 99999999999999999999d)
did(orders, at_least: 0)
did(orders, at_least: 1 or true)
did(orders, where: true) filter (where true)
did(orders, where: read_text('/etc/passwd') = 'x')
in_segment('cycle.new'' or true --')
in_segment('cycle.new' || '')
in_segment('fuzz.me')
in_segment(preferred_store)
score('cycle.r') > 1
$as_of > date '2024-01-01'
"~did 0" or true
"~segment cycle" = 'new'
_c0 or did(orders)
list_transform([1], x -> x) is null
recency_days::json is null
columns('.*') is null
any_member(where: true)
""".strip().splitlines()


class Writer:
    """Writes random conditions of the grammar."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def pick(self, *choices: str) -> str:
        return self.rng.choice(choices)

    def number(self, depth: int) -> str:
        leaf = self.pick(
            "recency_days", "orders_365d", "revenue_365d", "share_meat_365d", "score('rfm.r')",
            str(self.rng.randint(-5, 400)), f"{self.rng.random():.3f}", "days_since(last_purchase_date)",
        )  # fmt: skip
        if depth <= 0:
            return leaf
        inner = self.number(depth - 1)
        return self.pick(
            leaf, f"({inner} + {leaf})", f"{inner} - {leaf}", f"{leaf} * 2", f"{inner} / nullif({leaf}, 0)",
            f"abs({inner})", f"round({inner})", f"coalesce({inner}, 0)", f"greatest({inner}, {leaf})",
            f"case when {self.condition(depth - 1)} then {inner} else {leaf} end", f"-{leaf}",
            f"length({self.text(depth - 1)})", f"date_diff('day', {self.day()}, as_of_date)",
        )  # fmt: skip

    def text(self, depth: int) -> str:
        leaf = self.pick("preferred_store", "PREFERRED_STORE", "'x'", "'O''Hara'", "'ä💐'", "'%'", "''")
        if depth <= 0:
            return leaf
        inner = self.text(depth - 1)
        return self.pick(leaf, f"lower({inner})", f"trim({inner})", f"{inner} || {leaf}", f"left({inner}, 2)")

    def day(self) -> str:
        return self.pick(
            "last_purchase_date", "as_of_date", "date '2024-02-29'", "last_purchase_date + interval 3 day"
        )

    def event(self) -> str:
        table, where = self.rng.choice(
            [
                ("orders", "category = 'WINE' and line_revenue > 5"),
                ("orders", "status = 'returned' or revenue >= 10"),
                ("orders", "days_since(ordered_at) < 20"),
                ("interactions", "channel in ('web', 'app') and interaction_type like 'v%'"),
                ("feedback", "kind = 'nps' and score <= 6 and (closed_on is null)"),
                ("campaign_contacts", "arm = 'control'"),
                ("opportunities", "outcome = 'won' and value > 100"),
                ("leads", "lower(source) = 'web'"),
            ]
        )
        parts = [table]
        if self.rng.random() < 0.8:
            parts.append(f"where: {where}")
        if self.rng.random() < 0.8:
            parts.append(f"within: {self.rng.choice(['1d', '90d', '12w', '365 d'])}")
        if self.rng.random() < 0.5:
            parts.append(f"at_least: {self.rng.randint(1, 4)}")
        return f"{self.pick('did', 'did_not', 'DID')}({', '.join(parts)})"

    def condition(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(
                "in_crm", "true", "recency_days > 3", "preferred_store is null", "in_segment('cycle.new')",
                "in_segment('groups.b')", "last_purchase_date < as_of_date", "orders_365d between 1 and 9",
            )  # fmt: skip
        inner, other = self.condition(depth - 1), self.condition(depth - 2)
        return self.pick(
            f"{inner} and {other}", f"({inner}) or {other}", f"not ({inner})", f"({inner})",
            f"{self.number(depth - 1)} {self.pick('<', '<=', '=', '<>', '>', '>=')} {self.number(depth - 2)}",
            f"{self.text(depth - 1)} {self.pick('=', 'like', 'ilike', '<>')} {self.text(0)}",
            f"{self.text(1)} in ('a', 'b')", f"{self.number(1)} not in (1, 2.5)",
            f"{self.day()} >= {self.day()}",
            f"{self.number(1)} is distinct from {self.number(0)}", self.event(),
            f"case when {inner} then {other} else in_crm end", f"/* why */ {inner}", f"{inner} -- because",
        )  # fmt: skip


def mutated(text: str, rng: random.Random) -> str:
    """A few characters changed, moved, doubled or lost."""
    alphabet = string.ascii_letters + string.digits + " ()[]{}'\"`,;:.$?*/%+-<>=!|&^~#@\\\n\täß中💥\x00\u202e"
    chars = list(text)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(chars) + 1)
        how = rng.randrange(4)
        if how == 0:
            chars.insert(at, rng.choice(alphabet))
        elif how == 1 and at < len(chars):
            del chars[at]
        elif how == 2 and at < len(chars):
            chars[at] = rng.choice(alphabet)
        else:
            cut = chars[at : at + rng.randint(1, 12)]
            there = rng.randrange(len(chars) + 1)
            chars[there:there] = cut
    return "".join(chars)


def odd(rng: random.Random) -> str:
    """Nesting without end, endless chains, and characters that mean nothing."""
    n = rng.choice([3, 30, 300, 3000])
    return rng.choice(
        [
            "(" * n + "in_crm" + ")" * n,
            "not " * n + "in_crm",
            "case when " * n + "in_crm" + " then true end" * n,
            " and ".join(["in_crm"] * min(n, 300)),
            "-" * 1 + " -" * n + "recency_days > 1",
            "did(orders, where: " * n + "true" + ")" * n,
            "days_since(" * n + "last_purchase_date" + ")" * n + " > 1",
            "".join(chr(rng.randrange(1, 0x2FFF)) for _ in range(n % 100)),
            "recency_days in (" + ", ".join(map(str, range(min(n, 300)))) + ")",
            "in_crm" + " " * n + ")",
        ]
    )


def conditions(seed: int = 11) -> list[str]:
    writer, rng = Writer(seed), random.Random(seed)
    found = []
    for i in range(COUNT):
        share = i % 20
        if share < 9:
            found.append(writer.condition(rng.randint(0, 3)))
        elif share < 16:
            found.append(mutated(writer.condition(rng.randint(0, 2)), rng))
        elif share < 19:
            injection = rng.choice(INJECTIONS)
            found.append(rng.choice([injection, f"in_crm and {injection}", mutated(injection, rng)]))
        else:
            found.append(odd(rng))
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A shop with events, features of a few customers, and segmentations to refer to."""
    shop = Shop(account_id="varchar")
    con = shop.con
    con.execute("create schema if not exists features")
    con.execute("create schema if not exists segments")
    columns = ", ".join(f"{quote(name)} {kind}" for name, kind in TYPES.items())
    con.execute(
        f"create or replace table features.customer (as_of_date date, customer_id varchar, {columns})"
    )
    values = [
        (D, "c1", 1, 0, 10, 0.5, "x", True, date(2024, 6, 29)),
        (D, "c2", 0, 3, -1, 0.0, "", False, D),
        (D, "c3", None, None, None, None, None, None, None),
        (D, "c4", 400, 1, 1_000_000, 1.0, "O'Hara", True, date(2023, 5, 27)),
    ]
    con.executemany("insert into features.customer values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    shop.add("core.products", {"product_id": "p", "category": "WINE"})
    shop.order("o1", "c1", date(2024, 6, 29), {"revenue": 10, "product_id": "p"})
    shop.order("o2", "c4", date(2023, 5, 27), {"revenue": 30}, status="returned")
    shop.add("core.customers", {"customer_id": "c1", "account_id": "A"})
    shop.add("core.leads", {"lead_id": "l", "account_id": "A", "created_on": D, "source": "Web"})
    money.ensure(DuckDB(con))
    folder = tmp_path_factory.mktemp("project") / "segments"
    folder.mkdir()
    (folder / "cycle.yaml").write_text(RULES)
    (folder / "groups.yaml").write_text(
        "segmentation: groups\nname: G\nkind: audiences\naudiences:\n"
        "  - {id: a, name: A, when: in_crm}\n  - {id: b, name: B, when: recency_days < 5}\n"
    )
    (folder / "rfm.yaml").write_text(
        "segmentation: rfm\nname: R\nkind: scores\n"
        "scores: {r: {feature: recency_days, better: low, cuts: [1, 30]}}\n"
        "segments: [{id: top, name: Top, when: r = 3}]\n"
        "otherwise: {id: rest, name: Rest}\noutside: {id: out, name: Out}\n"
    )
    load = Load({"customer": FEATURES}, {}, None, folder.parent)
    assert not load.all(sorted(folder.glob("*.yaml"))).faults
    yield con, load.reader("customer", "fuzz", {}, None), folder.parent


def judged(reader: Reader, text: str) -> Condition | ConfigError:
    try:
        return reader.read(text, place_in(WHERE, text))
    except ConfigError as refused:
        return refused


def state(con: Any, folder: Path) -> list[Any]:
    """What is in the database and the folder, to see that nothing of it changes."""
    tables = con.execute(
        "select schema_name, table_name, estimated_size from duckdb_tables() order by all"
    ).fetchall()
    files = sorted((str(path), path.stat().st_size) for path in folder.rglob("*"))
    settings = con.execute(
        "select value from duckdb_settings() where name in ('threads', 'TimeZone')"
    ).fetchall()
    databases = con.execute("select database_name from duckdb_databases() order by all").fetchall()
    return [tables, files, settings, databases, Path("/tmp/lohko-fuzz.csv").exists()]  # noqa: S108


def test_conditions_are_booleans_or_refused_in_their_place(world: Any) -> None:
    check_conditions(world, conditions()[:FEW])


@pytest.mark.slow
def test_ten_thousand_conditions_are_booleans_or_refused_in_their_place(world: Any) -> None:
    check_conditions(world, conditions(SEED))


def check_conditions(world: Any, texts: list[str]) -> None:
    con, reader, folder = world
    before, started = state(con, folder), time.process_time()
    accepted: list[Condition] = []
    for text in texts:
        found = judged(reader, text)
        if isinstance(found, ConfigError):
            assert str(found).startswith(f"{WHERE}: "), text
        else:
            accepted.append(found)
    for condition in {one.sql: one for one in accepted}.values():
        for node in sqlglot.parse_one(condition.sql, dialect="duckdb").walk():
            refuse_unlisted(node, condition.text, "a scalar")
    for i in range(0, len(accepted), 500):
        run(con, accepted[i : i + 500])
    assert state(con, folder) == before
    # Most of what the grammar writes is taken, most of what is broken is not: neither side is empty.
    assert len(texts) * 0.4 < len(accepted) < len(texts) * 0.7
    # Of a parser that is lost in nested text, one condition takes minutes.
    assert time.process_time() - started < 0.1 * len(texts)


def run(con: Any, batch: list[Condition]) -> None:
    """All conditions of a batch over every customer, in one SELECT."""
    outputs = ", ".join(f"{one.sql} as b{i}" for i, one in enumerate(batch))
    columns = list({column.name: column for one in batch for column in one.columns}.values())
    sql = relation("customer", columns, merged(one.needs for one in batch), outputs)
    found = con.execute(sql, bindings(sql, D))
    assert {str(column[1]) for column in found.description} == {"BOOLEAN"}
    for row in found.fetchall():
        assert {type(value) for value in row} <= {bool, type(None)}


def test_every_injection_is_refused(world: Any) -> None:
    _, reader, _ = world
    kinds = Counter(type(judged(reader, text)).__name__ for text in INJECTIONS)
    assert kinds == {"ConfigError": len(INJECTIONS)}
