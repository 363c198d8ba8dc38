"""Bad input: one clear message that names the place and what to do, and nothing published changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.shop import HEADER, Ended, Shop

pytestmark = pytest.mark.alone

GOOD = '9001,C001,2026-03-30 12:00:00,web,paid,"10,00","0,00"'


def says(ended: Ended, code: int, *parts: str) -> None:
    """The command ended with this code and one message that has all of these parts."""
    assert ended.code == code, (ended.code, ended.out, ended.err)
    assert "Traceback" not in ended.out + ended.err
    assert ended.err.count("error:") == 1 or "Usage:" in ended.err, ended.err
    for part in parts:
        assert part in ended.err.replace("\n", " "), f"{part!r} is not in: {ended.err}"


@pytest.fixture
def untouched(shop: Shop) -> Callable[[], bool]:
    """Whether what is published is byte for byte what it was when the test began."""
    before = shop.published()
    assert before
    return lambda: shop.published() == before


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("currency: EUR ", "currency: euro ", ("project.yaml:4", "currency")),
        ("timezone: Europe/Helsinki", "timezone: Europe/Helsingki", ("project.yaml:3", "Europe/Helsinki")),
        ("margin_rate: 0.30", "margin_rat: 0.30", ("project.yaml:8", "margin_rat", "margin_rate")),
        ("margin_rate: 0.30", "margin_rate: 30", ("project.yaml:8", "margin_rate")),
        ("fail_after_days: 3", "fail_after_days: 0", ("project.yaml", "fail_after_days")),
        ("      orders:\n", "      orderz:\n", ("project.yaml", "orders")),
        ("sources:\n", "sources: [\n", ("project.yaml",)),
        (
            "customer_id: customer\n",
            "customer_id: customer +\n",
            ("sources.shop_orders.tables.orders", "customer"),
        ),
        ("        customer_id: id\n", "", ("sources.crm.tables.customers", "customer_id")),
    ],
    ids=["currency", "zone", "misspelt", "range", "limits", "table", "yaml", "expression", "required"],
)
def test_a_wrong_project_file_is_told_with_its_place(
    shop: Shop, untouched: Callable[[], bool], old: str, new: str, parts: tuple[str, ...]
) -> None:
    shop.edit(old, new)
    says(shop.lohko("check"), 3, *parts)
    says(shop.lohko("run", "--json"), 3, *parts)
    assert untouched()


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("recency_days > 90", "recency_dayz > 90", ("lifecycle.yaml:12", "recency_dayz", "recency_days")),
        ("recency_days > 90", "recency_days > > 90", ("lifecycle.yaml:12",)),
        ("recency_days > 90", "recency_days > 90; drop table x", ("lifecycle.yaml:12",)),
        ("recency_days > 90", "(select 1) > 0", ("lifecycle.yaml:12",)),
        ("recency_days > 90", "recency_days > 'often'", ("lifecycle.yaml:12",)),
        ("  - id: slipping", "  - id: lapsed", ("lifecycle.yaml", "lapsed")),
        ("kind: rules", "kind: rulez", ("lifecycle.yaml", "rules")),
    ],
    ids=["column", "not-sql", "two-statements", "subquery", "type", "twice", "kind"],
)
def test_a_wrong_segment_is_told_with_its_file_and_line(
    shop: Shop, untouched: Callable[[], bool], old: str, new: str, parts: tuple[str, ...]
) -> None:
    shop.edit(old, new, "segments/lifecycle.yaml")
    says(shop.lohko("check"), 3, *parts)
    assert untouched()


def test_a_wrong_segment_holds_its_segmentation_and_no_other(shop: Shop) -> None:
    shop.edit("recency_days > 90", "recency_dayz > 90", "segments/lifecycle.yaml")
    ended = shop.lohko("run")
    assert ended.code == 5, ended.err
    assert "stays: segmentation lifecycle as of 2026-03-29" in " ".join(ended.out.split())
    assert "recency_dayz" in ended.out
    rows = shop.lohko("query", "from marts.segment_current", "--json").json
    assert {(one["segmentation_id"], one["as_of_date"]) for one in rows} == {
        ("lifecycle", "2026-03-29"), ("value_tier", "2026-03-30"),
    }  # fmt: skip
    shop.edit("recency_dayz > 90", "recency_days > 90", "segments/lifecycle.yaml")
    ended = shop.lohko("run", "--json")
    assert ended.code == 0, ended.err
    rows = shop.lohko("query", "from marts.segment_current", "--json").json
    assert {one["as_of_date"] for one in rows} == {"2026-03-30"}


def test_a_run_without_one_right_definition_changes_nothing(
    shop: Shop, untouched: Callable[[], bool]
) -> None:
    shop.edit("recency_days > 90", "recency_dayz > 90", "segments/lifecycle.yaml")
    (shop.root / "segments" / "value_tier.yaml").unlink()
    says(shop.lohko("run", "--json"), 3, "lifecycle.yaml:12", "recency_dayz")
    assert untouched()


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    for words in (("check",), ("run",), ("status",), ("segments",)):
        says(Shop(tmp_path).lohko(*words), 3, str(tmp_path / "project.yaml"), "init")


def test_check_names_a_file_that_does_not_fit(shop: Shop, untouched: Callable[[], bool]) -> None:
    bad = shop.deliver("orders-2.csv", "9001,C001", header="number,customer")
    says(shop.lohko("check"), 4, str(bad), "ordered")
    assert untouched()


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_first_run_without_orders_publishes_nothing(new_shop: Shop, command: str) -> None:
    (new_shop.root / "data" / "orders.csv").unlink()
    says(new_shop.lohko(command), 4, "orders")
    assert new_shop.published() == {}
    ended = new_shop.lohko("segments")
    says(ended, 4, "nothing has been published", "lohko run")


def test_a_first_mapping_that_does_not_fit_is_told_alike_by_check_and_run(new_shop: Shop) -> None:
    new_shop.edit("order_id: number", "order_id: numbr")
    parts = ("orders.csv: does not fit its mapping", "project.yaml:32", "names numbr", "did you mean number?")
    says(new_shop.lohko("check"), 4, *parts)
    says(new_shop.lohko("run", "--json"), 4, "no orders have been accepted yet", "shop_orders: ", *parts)
    assert new_shop.published() == {}


def test_a_condition_over_columns_that_could_not_be_read_says_of_which_file(new_shop: Shop) -> None:
    new_shop.edit("customer_id: id\n", "customer_id: idd\n")
    for name in ("lifecycle", "value_tier"):
        (new_shop.root / "segments" / f"{name}.yaml").unlink()
    (new_shop.root / "segments" / "home.yaml").write_text(
        "segmentation: home\nname: Home\nkind: rules\nsegments:\n"
        "  - {id: fi, name: Finland, when: country = 'FI'}\notherwise: {id: rest, name: Rest}\n"
    )
    unread = (
        "home.yaml:5",
        "country is not a feature",
        "customers.csv: does not fit",
        "project.yaml:44",
        "idd",
    )
    says(new_shop.lohko("run", "--json"), 3, *unread)


def test_check_as_json_tells_of_a_project_file_that_cannot_be_read_too(shop: Shop) -> None:
    shop.edit("timezone:", "timezoe:")
    ended = shop.lohko("check", "--json")
    assert ended.code == 3 and ended.json["ok"] is False
    (fault,) = ended.json["faults"]
    assert "project.yaml:3: timezoe" in fault and "did you mean timezone" in fault


def test_an_archive_that_cannot_be_played_back_is_told_by_check_and_holds_its_source(shop: Shop) -> None:
    shop.edit("    files: data/orders*.csv\n", "    files: data/orders.csv\n    playback: {by: orderd}\n")
    parts = ("orders.csv: cannot be played back", "project.yaml:26", "playback.by", "did you mean ordered?")
    says(shop.lohko("check"), 4, *parts)
    ended = shop.lohko("run", "--json")
    assert ended.code == 5, ended.err
    assert all(part in ended.json["runs"][0]["held"][0] for part in parts)


def test_a_mapping_under_which_accepted_rows_would_go_to_quarantine_changes_nothing(
    shop: Shop, untouched: Callable[[], bool]
) -> None:
    before = shop.tables("core", "quarantine")
    shop.edit("when 'paid' then 'completed'", "when 'paid' then 'complete'")
    told = ("sources.shop_orders.tables.orders", "not_allowed in status", "0 before", "max_bad_share")
    says(shop.lohko("run", "--json"), 4, *told)
    assert untouched() and shop.tables("core", "quarantine") == before
    assert [one.kind for one in shop.control.open_incidents()] == ["failed_run"]
    # Whoever means it says so.
    shop.edit("    freshness:", "    max_bad_share: 1\n    freshness:")
    assert shop.lohko("run", "--json").code in (0, 5)
    shop.edit("then 'complete'", "then 'completed'")
    assert shop.lohko("run", "--json").code == 0
    assert shop.tables("core")["core.orders"] == before["core.orders"]


def test_a_mapping_that_empties_a_column_of_what_landed_changes_nothing_until_it_is_accepted(
    shop: Shop, untouched: Callable[[], bool]
) -> None:
    before = shop.tables("core", "history")
    written = "        customer_id: id\n"
    shop.edit(written, f"{written}        country: nation\n")
    says(shop.lohko("run", "--json"), 3, "sources.crm.tables.customers.country", "nation")
    shop.edit("country: nation", "country: try_cast(country as integer)")
    told = ("sources.crm.tables.customers.country: nothing is read in", "accept-mapping crm", "customers.csv")
    says(shop.lohko("run", "--json"), 4, *told)
    assert shop.lohko("quarantine", "requeue", "crm").code == 0, "there is nothing to requeue"
    assert untouched() and shop.tables("core", "history") == before
    says(shop.lohko("quarantine", "accept-mapping", "crm", "--why", " "), 2, "--why is empty")
    says(shop.lohko("quarantine", "accept-mapping", "crmm", "--why", "no"), 2, "did you mean crm?")
    taken = shop.lohko("quarantine", "accept-mapping", "crm", "--why", "codes are not wanted")
    assert taken.code == 0, taken.err
    assert "let go: sources.crm.tables.customers.country" in " ".join(taken.out.split())
    (decision,) = shop.control.decisions()
    assert (decision.source, decision.decision) == ("crm", "accept")
    assert decision.why.startswith("codes are not wanted (mapping: sources.crm.tables.customers.country")
    assert shop.lohko("run", "--json").code == 0


def rejected(path: Path) -> None:
    path.write_text("\n".join([HEADER, *["9001,,not a day,web,paid,ten,none"] * 20]) + "\n")


def truncated(path: Path) -> None:
    path.with_suffix(".parquet").write_bytes(b"PAR1" + b"\0" * 100)


def lacking(path: Path) -> None:
    path.write_text(HEADER.replace("amount", "total") + "\n" + GOOD + "\n")


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 8)


def empty(path: Path) -> None:
    path.write_text("")


def header_only(path: Path) -> None:
    path.write_text(HEADER + "\n")


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lacking, "amount"),
        (truncated, "orders-2.parquet"),
        (binary, "orders-2.csv"),
        (empty, "orders-2.csv"),
        (rejected, "rows"),
        (header_only, "has_rows"),
    ],
)
def test_a_bad_new_file_is_held_and_everything_goes_on_from_the_last_good_data(
    shop: Shop, spoil: Callable[[Path], None], what: str
) -> None:
    shop.edit("data/orders*.csv", "data/orders*")
    before = shop.tables("core")
    spoil(shop.root / "data" / "orders-2.csv")
    ended = shop.lohko("run", "--json")
    assert (ended.code, ended.err) == (5, "")
    (run,) = ended.json["runs"]
    assert run["day"] == "2026-03-30" and len(run["held"]) == 1
    assert "shop_orders" in run["held"][0] or "orders-2" in run["held"][0]
    assert what in run["held"][0]
    assert shop.tables("core") == before
    assert ended.json["run"]["as_of_date"] == "2026-03-30" and ended.json["run"]["customers"] == 40
    told = shop.lohko("status", "--json")
    assert told.code == 5 and told.json["held"] == run["held"]
    kind = "rejected_batch" if spoil in (rejected, header_only) else "failed_source"
    assert [i["kind"] for i in told.json["incidents"]] == [kind]


@pytest.mark.parametrize("spoil", [truncated, rejected])
def test_a_corrected_file_enters(shop: Shop, spoil: Callable[[Path], None]) -> None:
    shop.edit("data/orders*.csv", "data/orders*")
    spoil(shop.root / "data" / "orders-2.csv")
    assert shop.lohko("run", "--json").code == 5
    for path in shop.root.glob("data/orders-2.*"):
        path.unlink()
    shop.deliver("orders-2.csv", GOOD)
    assert shop.lohko("run", "--json").code == 0
    assert shop.lohko("status", "--json").json["incidents"] == []
    with shop.warehouse() as con:
        found = con.execute("select count(*) from core.orders where order_id = '9001'").fetchone()
    assert found == (1,)


def test_a_file_that_vanished_is_held(shop: Shop) -> None:
    before = shop.tables("core")
    (shop.root / "data" / "orders.csv").unlink()
    ended = shop.lohko("run")
    assert ended.code == 5, ended.err
    assert "held:" in ended.out and "orders*.csv" in ended.out
    assert shop.tables("core") == before


def test_a_bad_new_file_leaves_the_other_sources_going(shop: Shop) -> None:
    lacking(shop.root / "data" / "orders-2.csv")
    with (shop.root / "data" / "customers.csv").open("a") as crm:
        crm.write("C999,2026-03-01,NO,yes\n")
    ended = shop.lohko("run", "--json")
    assert ended.code == 5 and ended.json["run"]["customers"] == 41


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("run", "--as-off", "2026-03-30"), ("--as-off",)),
        (("run", "--as-of", "30.3.2026"), ("30.3.2026",)),
        (("run", "--as-of", "2026-03-31"), ("2026-03-31", "has not ended", "2026-03-30")),
        (("run", "--as-of", "2026-03-28"), ("2026-03-28", "2026-03-29", "not rewritten")),
        (("explain", "C777"), ("C777", "exactly as the source writes")),
        (("segments", "-s", "lifecicle"), ("lifecicle", "lifecycle")),
        (("roi", "--by", "year"), ("year", "month or campaign")),
        (("query", "selec 1"), ("selec",)),
        (("query", "from marts.segmnt_current"), ("segment_current",)),
        (("nonsense",), ("nonsense",)),
    ],
)
def test_wrong_words_end_with_code_2(
    shop: Shop, untouched: Callable[[], bool], words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    says(shop.lohko(*words), 2, *parts)
    assert untouched()


@pytest.mark.parametrize(
    "sql",
    [
        "copy marts.run to '{outside}/stolen.csv'",
        "from read_csv('{outside}/secret.csv')",
        "select * from '{outside}/secret.csv'",
        "attach '{outside}/other.duckdb' as other",
        "set enable_external_access = true",
        "delete from marts.run",
        "create table marts.mine as select 1",
        "install httpfs",
        "export database '{outside}/all'",
        "pragma database_size; delete from marts.run",
    ],
)
def test_a_query_reads_the_published_tables_and_nothing_else(
    shop: Shop, untouched: Callable[[], bool], tmp_path: Path, sql: str
) -> None:
    (tmp_path / "secret.csv").write_text("a\nhidden7\n")
    ended = shop.lohko("query", sql.format(outside=tmp_path))
    says(ended, 2, "query")
    assert "hidden7" not in ended.out + ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert untouched()


def test_a_project_is_never_made_over_somebodys_files(shop: Shop) -> None:
    says(shop.lohko("init", shop.root / "data"), 2, str(shop.root / "data"), "not an empty folder")


def test_a_broken_address_of_alerts_is_told_without_showing_it(
    shop: Shop, untouched: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOHKO_ALERT_URLS", "nosuch://hush7secret")
    ended = shop.lohko("run", "--json")
    says(ended, 3, "address 1 in LOHKO_ALERT_URLS")
    assert "hush7secret" not in ended.out + ended.err
    assert untouched()


def test_the_command_ends_the_same_in_a_process_of_its_own(shop: Shop, untouched: Callable[[], bool]) -> None:
    shop.edit("recency_days > 90", "recency_dayz > 90", "segments/lifecycle.yaml")
    ended = shop.process("check")
    says(ended, 3, "lifecycle.yaml:12", "recency_dayz")
    assert "Traceback" not in ended.err
    assert json.loads(shop.process("segments", "--json").out)
    assert untouched()
