"""Write what follows from the code: tables.md, features.md, functions.md, marts.md and segments.schema.json.

    .venv/bin/python docs/generate.py

A test fails when a page is stale. Everything else in docs/ is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.config.expression import parse_scalar
from pipelines.config.schema import segments_schema
from pipelines.contracts.fact import Ending, Entity, Fact, Link
from pipelines.contracts.keys import decided_by
from pipelines.contracts.model import Column, Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.core.merge import refresh
from pipelines.core.state import create_state
from pipelines.drift.measure import create as create_drift
from pipelines.engine import DuckDB, columns_of, connect, load_step, run_step
from pipelines.errors import ConfigError
from pipelines.features.accounts.compute import compute_accounts
from pipelines.features.additive import is_additive
from pipelines.features.catalogue import STANDARD, Feature, catalogue, share_name, store_catalogue
from pipelines.features.compute import compute_customers, refresh_state
from pipelines.features.entry import store_entry_products
from pipelines.features.recipe import Recipe
from pipelines.ingest import freshness, ledger, limits
from pipelines.ingest.quality import checks_for
from pipelines.publish.marts import MACROS, MARTS, PERSONAL, build_marts, table_of
from pipelines.publish.metrics import METRICS
from pipelines.roi.compute import compute_roi
from pipelines.segments import assignment, history

if TYPE_CHECKING:
    import duckdb

DOCS = Path(__file__).parent
MADE = "<!-- Made by docs/generate.py from the code; do not edit. -->"
FAMILIES = {
    "lifecycle": "Lifecycle",
    "rfm": "Recency and frequency",
    "value": "Value",
    "behaviour": "Behaviour",
    "product": "Products",
    "engagement": "Engagement and response to campaigns",
    "technographic": "Devices",
    "feedback": "Feedback",
    "reachability": "Reachability",
}
ACCOUNT_FAMILIES = {
    "firmographic": "What the company is",
    "geographic": "Where it is",
    "pipeline": "Deals and leads",
    "members": "Its customers",
    "reachability": "Reachable contacts",
    "engagement": "Campaigns",
}


def pages() -> dict[str, str]:
    """File name -> its content."""
    return {
        "tables.md": tables_page(),
        "features.md": features_page(),
        "functions.md": functions_page(),
        "marts.md": marts_page(),
        "segments.schema.json": segments_schema(),
    }


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table, line by line."""
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def tables_page() -> str:
    """The canonical tables, from their contracts."""
    lines = [
        "# Canonical tables",
        MADE,
        "",
        "A source in `project.yaml` maps its columns to these tables. Only `orders` is required; what depends"
        " on a table that no source maps is absent too.",
        "",
        "- **Required** columns must be mapped, unless a default stands beside them. A row without a value"
        " goes to quarantine.",
        "- `VARCHAR` values are trimmed; an empty text is no value. Letters with accents are stored composed"
        " (Unicode NFC), whole numbers of float and decimal columns without a point (`17850`, not 17850.0)."
        " Otherwise an id stays as the source writes it: `00007` and `7` are two, and a check tells of them."
        " A value that cannot be read as its type sends the row to quarantine.",
        f"- What no honest row holds sends it to quarantine too: an amount (`{limits.MONEY}`) beyond"
        f" {limits.LARGEST:,} either way, where no other bound is given (`above_maximum`, `below_minimum`);"
        " an event before 1900 or from 9999 on, and any other day that is none of the years 1 to 9999"
        " (`date_out_of_range`); a control character or one that nobody sees in a column whose name ends in"
        " `_id` (`invisible_character`).",
        "- Of the rows of one key the later batch and file counts, within a file the row that says most, and"
        " of those the last ([configuration.md](configuration.md#rows-of-one-key)).",
        "- **Critical** checks reject the batch. **Advisory** ones are reported, and the batch is accepted.",
        "",
        "Every table has these critical checks: the batch is not empty; at most `max_bad_share` of the rows"
        " have a fault; each required column is given; and no row of a key in a file has what the row that"
        " counts lacks, nor another owner, day or amount. One is advisory: the rows of a key say the same."
        " The tables below list the checks beyond them.",
    ]
    for contract in CONTRACTS.values():
        lines += _table_section(contract)
    return "\n".join(lines) + "\n"


def _table_section(contract: Contract) -> list[str]:
    lines = [
        "",
        f"## {contract.table}",
        "",
        f"{contract.description} Grain: {contract.grain}. Key: {_code(contract.key)}.",
    ]
    if contract.event:
        lines[-1] += f" Event time: `{contract.watermark or contract.event}`; freshness is measured on it."
    lines[-1] += " " + _whose_keys(contract)
    if contract.carries_all:
        lines[-1] += " Every further column of the source is carried along as an attribute."
    elif contract.attributes:
        lines[-1] += " Further columns that the mapping names are carried along."
    lines += [
        "",
        *markdown(
            ["column", "type", "unit", "required", "meaning"],
            [_column_row(column, numbered=column.name == contract.occurrence) for column in contract.columns],
        ),
    ]
    generated = {check.name for check in checks_for(contract, (), 0.0)} - {
        check.name for check in contract.checks
    }
    if contract.one_of:
        lines += ["", f"A row fills at least one of {_code(contract.one_of)}, or goes to quarantine."]
    if made := [column for column in contract.derived if column.parts]:
        lines += ["", *(f"`{column.name}` is made of {_code(column.parts)}." for column in made)]
    own = [check for check in checks_for(contract, contract.names, 0.0) if check.name not in generated]
    if own:
        rows = [[f"`{check.name}`", check.severity, check.description] for check in own]
        lines += ["", *markdown(["check", "severity", "what must hold"], rows)]
    if contract.fact:
        lines += ["", "**As an event**", "", *_as_event(contract.fact)]
    if contract.references:
        named = "; ".join(f"`{reference.column}` in `{reference.table}`" for reference in contract.references)
        lines += ["", f"Should exist (advisory, checked in core; the row is kept): {named}."]
    return lines


_MERGED = "[put together column by column](configuration.md#several-sources-of-one-thing)"


def _whose_keys(contract: Contract) -> str:
    """What a key means that two sources bring."""
    if not contract.own_key:
        if contract.describes:
            return f"A key that two sources bring is one thing, {_MERGED}."
        return "A key that two sources bring is one thing; the latest row of it counts."
    decides = decided_by(contract)
    return (
        f"Two sources that bring the same {_code(contract.own_key)} hold the table until `keys.{decides}` of"
        " one of them [says whose it is](configuration.md#keys-of-several-sources)."
    )


def _as_event(fact: Fact) -> list[str]:
    """What a row means to features and to `did()`, as a list."""
    day = f"- It happened on `{fact.day}`"
    if fact.else_day:
        day += f"; where that is blank, on {_linked(fact.else_day)}"
    lines = [f"{day}. A row without that day is no event."]
    owners = {entity: ", else ".join(map(_linked, paths)) for entity, paths in fact.owners.items()}
    if not fact.of_customers:
        owners["customer"] = "every customer of the account"
    lines.append(f"- Its customer: {owners['customer']}. Its account: {owners['account']}.")
    if fact.counts:
        blank = f"; a blank says `{fact.counts.blank}`" if fact.counts.blank else ""
        lines.append(
            f"- Counted where `{fact.counts.column}` is {_code(fact.counts.values)}{blank}. A condition that"
            " names the column decides itself."
        )
    if fact.ends:
        lines.append(f"- {_ending(fact, fact.ends)}")
    linked = "; ".join(f"of `{link.table}` {_code(link.gives)}" for link in fact.links)
    lines += [f"- Conditions may also name {linked}."] if linked else []
    lines += [
        f"- Where they are blank, {_code(link.gives)} are those of its `{link.table}`."
        for link in fact.else_from
    ]
    if fact.amounts:
        where = (
            "" if fact.amounts.lines is None else f", on its `{fact.amounts.lines.table}` where it has any"
        )
        lines.append(f"- Amounts: {_code(fact.amounts.columns)}{where}. Worth: {_code(fact.amounts.terms)}.")
    return lines


def _ending(fact: Fact, ends: Ending) -> str:
    if ends.column is None:
        return f"Before `{ends.day}` that day is not known."
    blank = f"`{ends.blank}`"
    if ends.blank_with_day != ends.blank:
        blank = f"`{ends.blank_with_day}` where `{ends.day}` is given, else {blank}"
    return (
        f"`{ends.column}` decides whether it ended ({_code(ends.ends)}), never `{ends.day}` alone. That is"
        f" known from `{ends.day}` on, where that is blank from `{fact.day}` on; until then it says"
        f" `{ends.before}`. A blank `{ends.column}` says {blank}."
    )


def _linked(path: str | Link) -> str:
    if isinstance(path, str):
        return f"`{path}`"
    if path.then is not None:
        return f"{_linked(path.then)} of its `{path.table}`"
    several = bool(CONTRACTS[path.table].together)
    which = " (each of them)" if path.each else " (the primary one)" if several else ""
    return f"`{path.gives[0]}` of its `{path.table}`{which}"


def _column_row(column: Column, *, numbered: bool) -> list[str]:
    required = "numbered where not mapped" if numbered else "yes" if column.required else ""
    required = "made where not given" if column.otherwise is not None else required
    if column.default != "null":
        shown = "empty" if column.default == "''" else column.default.strip("'")
        required = f"{required}, default {shown}".removeprefix(", ")
    meaning = column.description
    if column.allowed:
        meaning += f": {_code(column.allowed)}"
    if column.minimum is not None:
        meaning += f"; at least {column.minimum:g}"
    if column.maximum is not None:
        meaning += f"; at most {column.maximum:g}"
    return [f"`{column.name}`", column.type, column.unit, required, meaning]


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def features_page() -> str:
    """The feature catalogue, by family."""
    lines = [
        "# Features",
        MADE,
        "",
        "What conditions in `segments/*.yaml` may name. Every feature is as of the end of a business day; a"
        " window of 30 days is that day and the 29 before it. `marts.feature_catalogue` holds the list of"
        " your own project.",
        "",
        "Only completed orders count as purchases. A customer is anyone who ordered with an id, stands in"
        " `campaign_contacts` (the control group too) or in `customers` by that day. A feature without a"
        " value, such as `recency_days` of someone who never bought, is NULL, and a condition over it does"
        " not hold.",
        "",
        "Where a feature *adds up* (`additive` in the mart), its sum over all customers, or accounts, is a"
        " total: each order or deal is counted once. Others are not to be added: a person who stands at two"
        " companies counts at each of them, and a campaign for everybody it addressed.",
    ]
    for family, title in _titled("FAMILIES", FAMILIES, STANDARD["customer"]):
        lines += ["", f"## {title}", "", *_family("customer", family)]
    lines += [
        "",
        "## Accounts",
        "",
        "Where a source maps `accounts`, companies can be segmented too (`entity: account`). An account's"
        " customers are those whose `account_id` in `customers` it is; a customer without one belongs to the"
        " account of the same id. What a source says without a day, such as a contact's role or a deal's"
        " stage, is as it stood on the day, as far back as changes are kept.",
    ]
    for family, title in _titled("ACCOUNT_FAMILIES", ACCOUNT_FAMILIES, STANDARD["account"]):
        lines += ["", f"### {title}", "", *_family("account", family)]
    lines += [
        "",
        "## Of your project",
        "",
        f"- One share of revenue for each category in `features.category_shares`: `DRUG GM` becomes"
        f" `{share_name('DRUG GM')}`.",
        "- Shares of channels, scales of surveys, answers, a distance, values of pipeline stages, and"
        " features of the project's own: [configuration.md](configuration.md#features).",
        "- Every attribute of `customers`, under its own name and with the type its source gives it. Its"
        " family follows from a well-known name (`age`, `city`, `language`, …) or from `features.families`.",
    ]
    return "\n".join(lines) + "\n"


def _titled(where: str, titles: Mapping[str, str], features: Sequence[Feature]) -> Iterable[tuple[str, str]]:
    """Families and their titles; a family without one would be left out of the page."""
    untitled = sorted({feature.family for feature in features} - titles.keys())
    if untitled:
        raise ValueError(f"{', '.join(untitled)}: give the family a title in {where} of docs/generate.py")
    return titles.items()


def _family(entity: Entity, family: str) -> list[str]:
    rows = [
        [f"`{f.name}`", f.type, f.unit, f.meaning, "yes" if is_additive(entity, f.name) else "", _needs(f)]
        for f in STANDARD[entity]
        if f.family == family
    ]
    return markdown(["feature", "type", "unit", "meaning", "adds up", "needs besides orders"], rows)


def _needs(feature: Feature) -> str:
    needed = [f"`{table}`" for table in feature.needs if table != "orders"]
    return ", ".join([*needed, *(f"`{table}` where mapped" for table in feature.also)])


def functions_page() -> str:
    """The functions an expression may call: those of DuckDB that the parser of expressions lets through."""

    with connect() as con:
        known = con.execute(
            "select function_name, min(description) from duckdb_functions()"
            " where function_type in ('scalar', 'macro')"
            " and regexp_full_match(function_name, '[a-z][a-z0-9_]*') group by all order by all"
        ).fetchall()
    listed = [(f"`{name}`", (description or "").strip()) for name, description in known if _may_call(name)]
    lines = [
        "# Functions in expressions",
        MADE,
        "",
        "Mappings in `project.yaml` and conditions in `segments/*.yaml` may call these functions of DuckDB,"
        " and use `case`, `coalesce`, `cast`, `try_cast`, `extract`, `interval` and `at time zone`. They look"
        " at one row and nothing else, so the same data always gives the same result."
        " [segments.md](segments.md#what-an-expression-may-hold) shows what is refused, and how.",
        "",
        "A nested value of a JSON lines file is text: `address ->> '$.city'` or"
        " `json_extract_string(items, '$[0].sku')` takes a value out of it. A column whose name is no SQL"
        " word is quoted twice in YAML: `customer_id: '\"Customer No\"'`.",
        "",
        *markdown(["function", "what DuckDB says of it"], listed),
    ]
    return "\n".join(lines) + "\n"


def _may_call(name: str) -> bool:
    """Whether some number of arguments gets through."""
    for count in range(1, 5):
        try:
            parse_scalar(f"{name}({', '.join('abcd'[:count])})", "abcd", "")
        except ConfigError:
            continue
        return True
    return False


def marts_page() -> str:
    """The published tables: the header of each step, and the columns it has when run."""
    con = empty_project()
    lines = [
        "# Marts",
        MADE,
        "",
        "The tables of schema `marts` in `published/current/lohko.duckdb`; the same rows stand in"
        " `published/current/parquet/` and `published/current/csv/`, one file a table. How to query them:"
        " [analysts.md](analysts.md).",
        "",
        "What each figure means stands below its table, and in `marts.metric_definitions`. Every amount is"
        " net revenue in the project's currency: how it comes about is told, step by step and to the cent, in"
        " `marts.revenue_bridge`.",
    ]
    for mart in MARTS:
        step = load_step(f"publish/marts/{mart}")
        text = f"{step.description} Key: {_code(step.key)}."
        if mart in PERSONAL:
            text += " **Rows are persons or companies: personal data.**"
        lines += ["", f"## {mart}", "", text, "", _columns(con, mart)]
        figures = [[f"`{m.name}`", m.unit, m.meaning] for m in METRICS if m.mart == mart]
        if figures:
            lines += ["", *markdown(["figure", "unit", "meaning"], figures)]
    lines += ["", "## incident", "", "One row per incident that is open now.", "", _columns(con, "incident")]
    lines += ["", "## Macros", ""]
    lines += [f"- `marts.{name}{body.split(' as table')[0]}`" for name, body in MACROS.items()]
    return "\n".join(lines) + "\n"


def _columns(con: duckdb.DuckDBPyConnection, mart: str) -> str:
    if mart in ("customer", "account"):
        features = f"[feature](features.md{'#accounts' if mart == 'account' else ''})"
        further = ", `account_id`" if mart == "customer" else ""
        return f"`as_of_date`, `{mart}_id`, every {features} of the project{further}, `effective_at`."
    return ", ".join(f"`{name}` {kind}" for name, kind in columns_of(con, table_of(mart))) + "."


def empty_project() -> duckdb.DuckDBPyConnection:
    """Every table as the daily run makes it, without a row: what columns there are and of which type."""

    day = date(2026, 1, 31)
    con = connect()
    con.execute("set TimeZone = 'UTC'")
    ledger.create(con)
    create_state(con)
    for contract in CONTRACTS.values():
        refresh(con, contract, [])
    freshness.store(con, day, [])
    refresh_state(DuckDB(con))
    compute_customers(DuckDB(con), day, Recipe())
    compute_accounts(DuckDB(con), day, Recipe())
    store_catalogue(DuckDB(con), {"customer": catalogue("customer", CONTRACTS, [])})
    store_entry_products(DuckDB(con), day, CONTRACTS)
    history.create(con)
    assignment.assign(DuckDB(con), day, [])
    history.record(con, day, [], "run")
    run_step(con, "segments/profile_day", {"as_of": day, "basis": "recorded"})
    compute_roi(DuckDB(con), day, margin_rate=None, contact_cost=Decimal(0))
    create_drift(DuckDB(con))
    build_marts(
        con,
        day,
        project="",
        currency="EUR",
        run_id="run",
        code_version="",
        generated_at=datetime(2026, 2, 1),  # noqa: DTZ001 - UTC without zone, as in the ledgers
        incidents=[],
    )
    return con


def main() -> None:
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
