"""What a stranger tried: names, columns and places that no example has; each with the result it must give."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from fixtures.shop import HEADER, Shop

from lohko.commands.run.days import KILLED, _explain
from lohko.commands.status import print_status, read_status
from pipelines.engine import connect
from pipelines.errors import InvariantError
from resources.locks import hold

pytestmark = pytest.mark.alone

ROW = '{number},C001,2026-03-30 12:00:00,web,paid,"10,00","0,00"'


def add_column(shop: Shop, name: str, value: str) -> Path:
    """Give every customer of the CRM's file one column more."""
    crm = shop.root / "data" / "customers.csv"
    header, *rows = crm.read_text().splitlines()
    crm.write_text("\n".join([f"{header},{name}", *(f"{row},{value}" for row in rows)]) + "\n")
    return crm


def test_a_file_whose_name_is_no_text_is_held_alone(shop: Shop) -> None:
    shop.deliver("orders-2.csv", ROW.format(number=9001))
    bad = os.fsencode(shop.root / "data") + b"/orders-caf\xe9.csv"
    Path(os.fsdecode(bad)).write_bytes((shop.root / "data" / "orders-2.csv").read_bytes())
    checked, ended = shop.lohko("check"), shop.lohko("run")
    assert checked.code == 4 and r"orders-caf\xe9.csv: the file's name is not UTF-8" in checked.err
    assert ended.code == 5, ended.err
    assert ended.out.count(r"orders-caf\xe9.csv: the file's name is not UTF-8") == 1
    with shop.warehouse() as con:
        assert con.execute("select count(*) from core.orders where order_id = '9001'").fetchone() == (1,)
    assert r"orders-caf\xe9.csv" in shop.lohko("status").out
    Path(os.fsdecode(bad)).unlink()
    assert shop.lohko("run").code == 0


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("Revenue_365d", '`crm_Revenue_365d: "Revenue_365d"`'),
        ("_source", '`crm_source: "_source"`'),
        ("_file_id", "rename it in the file"),
        ("_batch_seq", "rename it in the file"),
        ("_landed_row", "rename it in the file"),
    ],
)
def test_a_column_whose_name_is_taken_holds_its_file_and_nothing_else(
    shop: Shop, column: str, told: str
) -> None:
    crm = add_column(shop, column, "1")
    shop.deliver("orders-2.csv", ROW.format(number=9001))
    ended = shop.lohko("run")
    assert ended.code == 5, ended.err
    assert f"column {column}" in ended.out and told in ended.out and str(crm) in ended.out
    with shop.warehouse() as con:
        assert con.execute("select count(*) from core.orders where order_id = '9001'").fetchone() == (1,)


def test_the_line_that_is_told_mends_it(shop: Shop) -> None:
    add_column(shop, "revenue_365d", "1")
    shop.edit(
        "        customer_id: id\n", '        customer_id: id\n        crm_revenue_365d: "revenue_365d"\n'
    )
    assert shop.lohko("run").code == 0
    found = shop.lohko("query", "--json", "select max(crm_revenue_365d) as v from marts.customer").json
    assert found == [{"v": "1"}]


def test_absurd_amounts_stop_nothing(shop: Shop) -> None:
    rows = [ROW.format(number=n).replace("10,00", "60000000000000,00") for n in (9001, 9002)]
    good = [ROW.format(number=n) for n in range(9003, 9303)]
    shop.deliver("orders-2.csv", *rows, *good)
    ended = shop.lohko("run", "--json")
    assert ended.code == 0, ended.err
    (reason,) = shop.lohko("query", "--json", "from marts.quarantine_reason").json
    assert (reason["reason"], reason["column_name"], reason["rows"]) == ("above_maximum", "revenue", 2)
    (gross,) = shop.lohko(
        "query",
        "--json",
        "select amount from marts.revenue_bridge where source = '(all)' and step = 'quarantined'",
    ).json
    assert gross["amount"] == "-120000000000000.0000"


@pytest.mark.parametrize(
    "sql",
    [
        "select cast(sum(v) as decimal(18, 4)) from (values (60000000000000.0), (60000000000000.0)) as t(v)",
        "select cast(1000000000000.0000 * cast(1000 as decimal(28, 8)) as decimal(18, 4))",
    ],
)
def test_a_sum_beyond_what_a_column_holds_is_told_and_never_its_value(sql: str) -> None:
    with connect() as con, pytest.raises(duckdb.Error) as caught:
        con.execute(sql).fetchall()
    told = _explain(caught.value)
    assert isinstance(told, InvariantError), caught.value
    assert "does not fit DECIMAL(18,4)" in str(told) and "0000" not in str(told)


def test_another_fault_of_duckdb_stays_a_bug() -> None:
    with connect() as con, pytest.raises(duckdb.Error) as caught:
        con.execute("select cast('x' as decimal(18, 4))").fetchall()
    assert _explain(caught.value) is caught.value


def test_a_merged_customer_is_explained_by_whom_they_count_for(shop: Shop) -> None:
    (shop.root / "data" / "merges.csv").write_text("old,new,day\nC001,C002,2026-03-30\n")
    shop.edit(
        "sources:\n",
        "sources:\n  merges:\n    files: data/merges.csv\n    tables:\n"
        "      customer_merges: {old_id: old, new_id: new, merged_on: day}\n",
    )
    assert shop.lohko("run", "--json").code == 0
    ended = shop.lohko("explain", "C001")
    assert ended.code == 0 and "C001 was merged into C002" in ended.out
    assert shop.lohko("explain", "C002").code == 0


def test_a_run_that_was_killed_is_not_said_to_run(shop: Shop) -> None:
    shop.control.start_run("killed-1", shop.project.yesterday, "command")
    status = shop.lohko("status", "--json").json["last_run"]
    assert (status["status"], status["message"]) == ("killed", KILLED)
    assert KILLED in shop.lohko("status").out
    with hold(shop.project.state / "run.lock", "lohko run", timeout=1):
        assert shop.lohko("status", "--json").json["last_run"]["status"] == "running"


def test_without_limits_on_age_status_says_so(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    facts = read_status(shop.project)
    facts["published"]["effective_at"] = None
    print_status(facts)
    printed = capsys.readouterr().out
    assert "None" not in printed and "no source has limits on its age" in printed


def test_a_value_of_many_lines_stays_in_its_cell(shop: Shop) -> None:
    found = shop.lohko("query", "select 'a' || chr(10) || 'b' || chr(9) || 'c' as v").out
    assert r"a\nb\tc" in found


def test_a_folder_that_cannot_be_written_is_told_and_can_be_read(shop: Shop) -> None:
    """Root may write anywhere, so as root the command runs without root's privileges."""
    bare = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []

    def read_only(*words: str) -> subprocess.CompletedProcess[str]:
        command = [*bare, sys.executable, "-m", "lohko.cli", "--project", str(shop.root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    modes = {
        path: path.stat().st_mode for path in [shop.root, *shop.root.rglob("*")] if not path.is_symlink()
    }
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        ran, status, query = read_only("run"), read_only("status"), read_only("query", "from marts.run")
        explained = read_only("explain", "C001")
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert ran.returncode == 3, ran.stderr
    assert "run.lock: cannot be written (Permission denied)" in ran.stderr, ran.stderr
    assert "Traceback" not in ran.stderr
    assert status.returncode == 0 and "2026-03-29  success" in status.stdout, status.stderr
    assert query.returncode == 0, query.stderr
    assert explained.returncode == 0 and "recency_days" in explained.stdout, explained.stderr


@pytest.mark.parametrize("column", ["r", "s"])
def test_a_column_of_any_name_stands_in_quarantine_with_the_others(shop: Shop, column: str) -> None:
    shop.edit("freshness:", "max_bad_share: 1\n    freshness:")
    bad = ROW.format(number=9001).replace("2026-03-30", "someday")
    shop.deliver("orders-2.csv", f"{bad},kept", header=f"{HEADER},{column}")
    assert shop.lohko("run", "--json").code == 0
    (row,) = shop.lohko("quarantine", "show", "--json").json
    assert row["reason"] == "not_timestamp"
    assert "kept" in str(row) and "9001" in str(row), row


def test_a_merge_may_come_before_any_row_of_a_table_it_bears_on(new_shop: Shop) -> None:
    with (new_shop.root / "project.yaml").open("a") as file:
        file.write(
            "  merges: {files: data/merges*.csv, tables: {customer_merges: {old_id: o, new_id: n}}}\n"
            "  contacts: {files: data/contacts*.csv,"
            " tables: {campaign_contacts: {campaign_id: c, customer_id: who}}}\n"
        )
    new_shop.deliver("merges-1.csv", "X1,X2", header="o,n")
    new_shop.deliver("contacts-1.csv", header="c,who")  # no row: rejected
    assert new_shop.lohko("run", "--as-of", "2026-03-29", "--json").code == 5
    new_shop.deliver("merges-2.csv", "C001,C002", header="o,n")
    ended = new_shop.lohko("run", "--json")
    assert ended.code == 5, ended.err
    new_shop.deliver("contacts-2.csv", "spring,C001", header="c,who")
    assert new_shop.lohko("run", "--json").code == 0
    with new_shop.warehouse() as con:
        assert con.execute("select customer_id from core.campaign_contacts").fetchall() == [("C002",)]


@pytest.mark.parametrize("first", ["2026-03-31", "2027-01-01", "1999-12-31"])
def test_a_first_day_that_has_not_ended_begins_the_record_with_yesterday(new_shop: Shop, first: str) -> None:
    new_shop.edit("today: 2026-03-31", f"first_day: {first}\ntoday: 2026-03-31")
    as_of = ("--as-of", "1999-12-31") if first < "2000" else ()
    ended = new_shop.lohko("run", *as_of, "--json")
    if as_of:
        assert ended.code == 2 and "2000-01-01" in ended.err
        return
    assert ended.code == 0, ended.err
    assert [one["day"] for one in ended.json["runs"]] == ["2026-03-30"]


def test_columns_that_look_personal_are_not_published_unless_the_project_says_so(new_shop: Shop) -> None:
    add_column(new_shop, "Customer Name", "Somebody Special")
    add_column(new_shop, "reach", "someone@example.org")

    def published(value: bytes) -> set[str]:
        files = (path for path in (new_shop.root / "published" / "current").rglob("*") if path.is_file())
        return {path.suffix for path in files if value in path.read_bytes()}

    told = new_shop.lohko("check", "--json").json
    assert told["unclassified"] == [
        "crm.customers: Customer Name (name)",
        "crm.customers: reach (e-mail address)",
    ]
    ended = new_shop.lohko("run")
    assert ended.code == 0 and "2 columns look personal and are not published" in ended.out, ended.err
    assert published(b"Somebody Special") == published(b"someone@example.org") == set()
    assert new_shop.lohko("status", "--json").json["unpublished"] == ["Customer Name", "reach"]
    new_shop.edit("margin_rate: 0.30", "personal: {Custmer Name: {publish: true}}\nmargin_rate: 0.30")
    told = new_shop.lohko("check")
    assert told.code == 3 and "did you mean Customer Name?" in told.err, told.err
    new_shop.edit(
        "{Custmer Name: {publish: true}}", "{customer name: {publish: true}, reach: {publish: false}}"
    )
    assert new_shop.lohko("check", "--json").json["unclassified"] == []
    assert "not published" not in new_shop.lohko("run").out
    assert ".csv" in published(b"Somebody Special") and published(b"someone@example.org") == set()


def test_columns_that_are_left_out_stand_in_no_mart(new_shop: Shop) -> None:
    add_column(new_shop, "E-Mail", "someone@example.org")
    new_shop.edit(
        "    files: data/customers.csv\n", "    files: data/customers.csv\n    leave_out: [e-mial]\n"
    )
    told = new_shop.lohko("check")
    assert told.code == 4 and "has no column e-mial" in told.err, told.err
    assert "project.yaml:42: sources.crm.leave_out" in told.err and "did you mean E-Mail?" in told.err
    new_shop.edit("[e-mial]", "[e-mail, NEWSLETTER]")
    assert new_shop.lohko("check").code == 0
    ended = new_shop.lohko("run", "--json")
    assert ended.code == 0, ended.err
    assert "country" in new_shop.lohko("query", "from marts.customer", "--json").json[0]
    for path in (new_shop.root / "published").rglob("*"):
        assert not path.is_file() or b"someone@example.org" not in path.read_bytes(), path
    with new_shop.warehouse() as con:
        names = {
            row[0].lower()
            for row in con.execute("select column_name from (describe core.customers)").fetchall()
        }
    assert "country" in names and not names & {"e-mail", "newsletter"}


def test_an_attribute_in_another_letter_case_stops_nothing_and_is_told(shop: Shop) -> None:
    """The starter's newsletter, spelled otherwise in a further file of the CRM, and in both the commands."""
    crm = shop.root / "data" / "customers.csv"
    header, row, *_ = crm.read_text().splitlines()
    shop.edit("data/customers.csv", "data/customers*.csv")
    (crm.parent / "customers-2.csv").write_text(f"{header.replace('newsletter', 'NewsLetter')}\n{row}\n")
    assert shop.lohko("check").code == 0
    ended = shop.lohko("run")
    assert ended.code == 0, ended.err
    assert "NewsLetter is read as newsletter" in " ".join(ended.out.split())
    (found,) = shop.lohko(
        "query", "from marts.quality where check_name = 'attributes_spelled'", "--json"
    ).json
    assert found["passed"] is False and found["severity"] == "advisory"


def test_a_mapping_that_reads_nothing_is_told_before_a_run_and_by_it(shop: Shop) -> None:
    shop.edit(
        "        customer_id: id\n", "        customer_id: id\n        land: try_cast(country as bigint)\n"
    )
    checked = shop.lohko("check")
    assert checked.code == 4 and "tables.customers.land: nothing was read in" in " ".join(checked.err.split())
    add_column(shop, "note", "new")
    ended = shop.lohko("run")
    assert ended.code == 5 and "land: nothing was read in" in " ".join(ended.out.split())


def test_values_that_are_not_read_now_and_then_are_a_remark(shop: Shop) -> None:
    crm = shop.root / "data" / "customers.csv"
    lines = crm.read_text().splitlines()
    lines = [f"{lines[0]},age", *(f"{line},{'40' if n % 5 else '40 y'}" for n, line in enumerate(lines[1:]))]
    crm.write_text("\n".join(lines) + "\n")
    shop.edit(
        "        customer_id: id\n", "        customer_id: id\n        years: try_cast(age as bigint)\n"
    )
    checked = shop.lohko("check")
    assert checked.code == 0 and "tables.customers.years: nothing was read in" in " ".join(
        checked.err.split()
    )
    (remark,) = shop.lohko("check", "--json").json["remarks"]
    assert "years: nothing was read in" in remark
