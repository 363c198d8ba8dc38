"""Definitions before and after they are run: tested, previewed, compared with git, explained."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fixtures.shop import Shelf, Shop

from lohko.commands.check.ids import reused_ids
from resources.locks import hold

pytestmark = pytest.mark.alone

FAILING = """
tests:
  every_customer_once: true
  max_share: {loyal: 0.4}
  examples:
    loyal: {in: [C001, C999]}
"""
AUDIENCES = """
segmentation: winback
name: Win back
kind: audiences
audiences:
  - {id: away, name: Away, when: "in_segment('lifecycle.lapsed') or recency_days > 45"}
"""


def write(shop: Shop, text: str, file: str = "segments/lifecycle.yaml") -> None:
    """Add to a file of the project."""
    path = shop.root / file
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(before + text, encoding="utf-8")


@contextmanager
def unchanged(shop: Shop) -> Iterator[None]:
    """What the commands that only look must leave as it was."""
    before = shop.tables("segments", "features", "publish", "marts"), shop.published()
    yield
    assert (shop.tables("segments", "features", "publish", "marts"), shop.published()) == before


def git(shop: Shop, *words: str) -> str:
    """Git in the project's folder, without a person's settings."""
    told = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words]
    return subprocess.run(told, cwd=shop.root, check=True, capture_output=True, text=True).stdout


def committed(shop: Shop) -> Shop:
    git(shop, "init", "-q")
    git(shop, "add", "project.yaml", "segments")
    git(shop, "commit", "-qm", "Definitions")
    return shop


# lohko test


def test_tests_are_judged_and_a_failed_one_ends_with_code_4(shop: Shop) -> None:
    write(shop, FAILING)
    with unchanged(shop):
        ended = shop.lohko("test", "--json")
    assert ended.code == 4, ended.err
    failed = {one["test"]: one for one in ended.json["verdicts"] if not one["passed"]}
    assert set(failed) == {"max_share", "examples"} and not ended.json["passed"]
    assert failed["max_share"]["found"] == "0.475", "19 of 40"
    assert failed["examples"]["ids"][1] == "C999: no customer on 2026-03-29, expected in loyal"
    assert ended.json["without_tests"] == ["value_tier"]
    shown = shop.lohko("test", "-s", "lifecycle")
    assert shown.code == 4 and "3 tests: 1 passed, 2 failed" in shown.out


def test_definitions_without_tests_pass(shop: Shop) -> None:
    ended = shop.lohko("test")
    assert ended.code == 0 and "without tests: lifecycle, value_tier" in ended.out


def test_a_faulty_definition_counts_for_more_than_a_failed_test(shop: Shop) -> None:
    write(shop, FAILING)
    shop.edit("by: revenue_365d", "by: revenue_365dd", "segments/value_tier.yaml")
    ended = shop.lohko("test")
    assert ended.code == 3 and "value_tier.yaml" in ended.err and "2 failed" in ended.out


def test_a_failed_test_holds_its_segmentation_and_no_other(shop: Shop) -> None:
    write(shop, FAILING)
    ended = shop.lohko("run", "--as-of", "2026-03-30", "--json")
    assert ended.code == 5, ended.err
    rows = shop.lohko("segments", "--json").json
    days = {row["segmentation_id"]: row["as_of_date"] for row in rows}
    assert days == {"lifecycle": "2026-03-29", "value_tier": "2026-03-30"}
    status = shop.lohko("status", "--json")
    assert status.code == 5
    assert [(one["kind"], one["subject"]) for one in status.json["incidents"]] == [
        ("definition_test", "lifecycle")
    ]
    told = status.json["incidents"][0]["message"]
    assert "max_share of loyal: expected at most 0.4" in told and "C001" not in told and "C999" not in told
    assert [(one["part"], one["as_of_date"]) for one in status.json["held_parts"]] == [
        ("lifecycle", "2026-03-29")
    ]
    with shop.warehouse() as con:
        recorded = con.execute(
            "select count(distinct segmentation_id) from segments.assignment where as_of_date = '2026-03-30'"
        ).fetchone()
    assert recorded == (2,), "the record goes on; publishing waits"

    shop.edit("loyal: 0.4", "loyal: 0.9", "segments/lifecycle.yaml")
    shop.edit("[C001, C999]", "[C002]", "segments/lifecycle.yaml")
    assert shop.lohko("run", "--as-of", "2026-03-30", "--json").code == 0
    assert {row["as_of_date"] for row in shop.lohko("segments", "--json").json} == {"2026-03-30"}
    assert shop.lohko("status", "--json").json["incidents"] == []


# lohko preview


def test_a_new_definition_is_previewed_from_its_file(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "winback.yaml"
    path.write_text(AUDIENCES, encoding="utf-8")
    with unchanged(shop):
        ended = shop.lohko("preview", path, "--json", "--sample", 1)
    assert ended.code == 0, ended.err
    (one,) = ended.json["previews"]
    (away,) = one["segments"]
    sizes = {row["segment_id"]: row["members"] for row in shop.lohko("segments", "--json").json}
    assert away["size"] == sizes["lapsed"] + sizes["slipping"] and away["recorded"] is None
    assert len(away["sample"]) == 1 and one["members"] == 40
    overlaps = {one["other_segment_id"]: one["shared"] for one in one["overlaps"]}
    assert (overlaps["lapsed"], overlaps["slipping"]) == (sizes["lapsed"], sizes["slipping"])
    shown = shop.lohko("preview", path).out
    assert "not recorded yet" in shown and "or: recency_days > 45" in shown
    assert "no source says which customers may be contacted" in shown


def test_an_edited_definition_is_previewed_beside_what_is_recorded(shop: Shop) -> None:
    shop.edit("recency_days > 45", "recency_days > 20", "segments/lifecycle.yaml")
    ended = shop.lohko("preview", "lifecycle", "--segment", "slipping", "--json")
    (segment,) = ended.json["previews"][0]["segments"]
    assert segment["size"] > segment["recorded"] > 0
    every = shop.lohko("preview", "--json").json["previews"]
    assert [one["segmentation_id"] for one in every] == ["lifecycle", "value_tier"]


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("preview", "lifecylce"), 2, "did you mean lifecycle"),
        (("preview", "nowhere.yaml"), 2, "no such file"),
        (("preview", "--segment", "lapsd"), 2, "did you mean lapsed"),
        (("diff", "--format", "html"), 2, "expected text, json or markdown"),
        (("explain", "C001", "--from", "2026-03-30", "--to", "2026-03-29"), 2, "is after"),
        (("explain", "C001", "--segment", "lapsd"), 2, "no segment lapsd was ever recorded"),
    ],
)
def test_wrong_words_are_answered(shop: Shop, words: tuple[str, ...], code: int, what: str) -> None:
    ended = shop.lohko(*words)
    assert (ended.code, what in ended.err) == (code, True), ended.err


def test_before_the_first_run_nobody_can_be_judged(new_shop: Shop) -> None:
    for words in (("test",), ("preview",)):
        ended = new_shop.lohko(*words)
        assert ended.code == 4 and "nothing has run yet" in ended.err
    assert not new_shop.project.warehouse_path.exists(), "looking makes no warehouse"


def test_a_held_warehouse_is_busy(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lohko.commands.shared.latest.LOCK_TIMEOUT", 0.1)
    monkeypatch.setattr("lohko.commands.explain.why.LOCK_TIMEOUT", 0.1)
    monkeypatch.setattr("lohko.commands.shared.latest.latest.__wrapped__.__defaults__", (0.1,))
    with hold(shop.project.warehouse_path.with_suffix(".lock"), "core", timeout=1):
        assert shop.lohko("test").code == 6
        assert shop.lohko("preview").code == 6
        assert shop.lohko("explain", "C001", "--from", "2026-03-01").code == 6
        told = shop.lohko("explain", "C001")
    assert told.code == 0 and "why not told:" in told.out and "core" in told.out


# lohko diff


def test_an_edit_is_compared_with_git(shop: Shop) -> None:
    committed(shop)
    shop.edit("recency_days > 45", "recency_days > 20", "segments/lifecycle.yaml")
    write(shop, AUDIENCES, "segments/winback.yaml")
    with unchanged(shop):
        ended = shop.lohko("diff", "--format", "json")
    assert ended.code == 0, ended.err
    changes = {one["segmentation_id"]: one for one in ended.json["changes"]}
    assert {name: one["status"] for name, one in changes.items()} == {
        "lifecycle": "changed",
        "winback": "added",
    }
    lifecycle = changes["lifecycle"]
    assert lifecycle["moved"] == sum(flow["members"] for flow in lifecycle["flows"]) > 0
    assert {flow["to_segment"] for flow in lifecycle["flows"]} == {"slipping"}
    assert all(flow["sample"] == [] for flow in lifecycle["flows"])
    for one in lifecycle["segments"]:
        assert one["after"] == one["before"] + one["added"] - one["removed"]
    touched = {one["segmentation_id"]: one for one in ended.json["touched"]}
    assert touched["lifecycle"]["referred_to_by"] == ["winback"]
    assert "marts.audience" in touched["lifecycle"]["tables"]
    assert not [name for name in touched["lifecycle"]["tables"] if "account" in name]
    assert git(shop, "status", "--porcelain", "segments").split() == [
        "M",
        "segments/lifecycle.yaml",
        "??",
        "segments/winback.yaml",
    ], "nothing is checked out"


def test_the_difference_as_markdown_has_counts_and_no_ids(shop: Shop) -> None:
    committed(shop)
    shop.edit("recency_days > 45", "recency_days > 20", "segments/lifecycle.yaml")
    write(shop, FAILING)
    ended = shop.lohko("diff", "--format", "markdown")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("### Segments against `HEAD`\n")
    assert "| from | to | members | EUR in 365d |" in ended.out and "| **failed** | lifecycle |" in ended.out
    assert "C0" not in ended.out and "C9" not in ended.out
    assert "| some |" in shop.lohko("diff", "--format", "markdown", "--sample", 1).out
    assert "Who moves" in shop.lohko("diff").out


def test_names_move_nobody(shop: Shop) -> None:
    committed(shop)
    shop.edit("name: Lapsed", "name: Gone", "segments/lifecycle.yaml")
    ended = shop.lohko("diff", "--format", "json")
    assert (ended.json["changes"], ended.json["renamed"]) == ([], ["lifecycle"])
    assert "No definition moves a member." in shop.lohko("diff").out


def test_an_older_revision_with_a_list_and_a_fault(shop: Shop) -> None:
    (shop.root / "vip.csv").write_text("customer_id\nC001\nC002\n", encoding="utf-8")
    write(
        shop,
        "segmentation: vip\nname: VIP\nkind: lists\nsegments:\n  - {id: vip, name: VIP, file: vip.csv}\n",
        "segments/vip.yaml",
    )
    shop.edit("by: revenue_365d", "by: revenue_365dd", "segments/value_tier.yaml")
    committed(shop)
    shop.edit("by: revenue_365dd", "by: revenue_365d", "segments/value_tier.yaml")
    git(shop, "add", "vip.csv", "segments")
    git(shop, "commit", "-qm", "Mended, and the list tracked")
    (shop.root / "vip.csv").write_text("customer_id\nC001\nC003\nC004\n", encoding="utf-8")

    listed = shop.lohko("diff", "--format", "json").json
    (change,) = listed["changes"]
    (vip,) = change["segments"]
    assert (vip["before"], vip["after"], vip["added"], vip["removed"]) == (2, 3, 2, 1)

    older = shop.lohko("diff", "--against", "HEAD~1", "--format", "json").json
    assert older["changes"] == [], "at fault there, and the list not tracked"
    assert any("HEAD~1:segments/value_tier.yaml" in one for one in older["remarks"])
    assert any("vip.csv is not in HEAD~1" in one for one in older["remarks"])


def test_a_fault_of_today_ends_with_code_3_and_the_others_are_compared(shop: Shop) -> None:
    committed(shop)
    shop.edit("by: revenue_365d", "by: revenue_365dd", "segments/value_tier.yaml")
    shop.edit("recency_days > 45", "recency_days > 20", "segments/lifecycle.yaml")
    ended = shop.lohko("diff")
    assert ended.code == 3 and "Lifecycle (lifecycle): changed" in ended.out
    assert "value_tier.yaml" in ended.err


@pytest.mark.parametrize("against", ["nowhere", "--help-me", "HEAD; touch x"])
def test_no_such_revision(shop: Shop, against: str) -> None:
    committed(shop)
    ended = shop.lohko("diff", f"--against={against}")
    assert ended.code == 2 and "revision" in ended.err


def test_without_a_repository_it_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(shop.root.parent))
    ended = shop.lohko("diff")
    assert ended.code == 2 and "is in no git repository" in ended.err
    monkeypatch.setenv("PATH", "")
    assert "git is not installed" in shop.lohko("diff").err


# lohko explain


def ran_on(shop: Shop, *orders: str) -> None:
    """Deliver orders of 2026-03-30, if any, and run that day."""
    if orders:
        shop.deliver("orders-late.csv", *orders)
    ended = shop.lohko("run", "--as-of", "2026-03-30", "--json")
    assert ended.code == 0, ended.err


@pytest.fixture
def back(shelf: Shelf) -> Shop:
    """C001, who had lapsed, has bought on 2026-03-30."""
    return shelf.at("back", lambda shop: ran_on(shop, "9001,C001,2026-03-30 10:00:00,web,completed,20.00,0"))


def test_a_move_is_explained_by_the_condition_that_changed(back: Shop) -> None:
    shop = back
    with unchanged(shop):
        ended = shop.lohko("explain", "C001", "--from", "2026-03-30", "--json")
    assert ended.code == 0, ended.err
    (change,) = [one for one in ended.json["changes"] if one["segmentation_id"] == "lifecycle"]
    assert (change["left"], change["reason"]) == (["lapsed"], "conditions")
    flip = next(one for one in change["flips"] if one["segment_id"] == "lapsed")
    assert (flip["text"], flip["became"]) == ("recency_days > 90", False)
    (value,) = flip["values"]
    assert value["name"] == "recency_days" and value["before"] > 90 and value["after"] == 0
    shown = shop.lohko("explain", "C001").out
    assert f"lapsed when: recency_days > 90 became false ({value['before']} -> 0)" in shown
    assert "the first recorded day: where they stood" in shown


def test_the_changes_of_a_segment_or_of_days(back: Shop) -> None:
    shop = back
    for segment in ("lapsed", "lifecycle.lapsed"):
        found = shop.lohko("explain", "C001", "--segment", segment, "--json").json["changes"]
        assert [(one["day"], one["reason"]) for one in found] == [
            ("2026-03-30", "conditions"),
            ("2026-03-29", "first day"),
        ]
    none = shop.lohko("explain", "C001", "--to", "2026-03-01")
    assert "No change is recorded in the range." in none.out


def test_a_move_by_an_edited_definition_is_told(shop: Shop) -> None:
    with shop.warehouse() as con:
        (customer,) = con.execute(
            "select entity_id from segments.membership where segmentation_id = 'lifecycle'"
            " and segment_id = 'slipping' order by entity_id limit 1"
        ).fetchone() or ("",)
    shop.edit("recency_days > 45", "recency_days > 85", "segments/lifecycle.yaml")
    ran_on(shop)
    (change,) = shop.lohko("explain", customer, "--from", "2026-03-30", "--json").json["changes"]
    assert (change["left"], change["reason"]) == (["slipping"], "definition edited")
    assert change["version"] != change["version_before"]
    assert "definition edited, version" in shop.lohko("explain", customer).out


def test_a_move_is_explained_by_the_definition_of_its_day(back: Shop) -> None:
    shop = back
    shop.edit("recency_days > 90", "recency_days > 900", "segments/lifecycle.yaml")
    (change,) = shop.lohko("explain", "C001", "--segment", "lapsed", "--from", "2026-03-30", "--json").json[
        "changes"
    ]
    assert change["reason"] == "conditions" and change["flips"][0]["text"] == "recency_days > 90"


def test_what_today_does_not_bear_out_was_known_then(back: Shop) -> None:
    shop = back
    with shop.warehouse() as con:
        con.execute(
            "delete from features.customer_day where customer_id = 'C001' and business_date = '2026-03-30'"
        )
        con.execute("delete from core.orders where order_id = '9001'")
    ended = shop.lohko("explain", "C001", "--from", "2026-03-30", "--segment", "lapsed", "--json")
    (change,) = ended.json["changes"]
    assert change["reason"] == "known then" and "today's data puts them in lapsed" in change["detail"]


def test_a_tier_is_explained_by_its_cut_points(shop: Shop) -> None:
    ran_on(shop, "9001,C001,2026-03-30 10:00:00,web,completed,5000.00,0")
    found = shop.lohko("explain", "C001", "--segment", "value_tier", "--from", "2026-03-30", "--json").json
    (change,) = found["changes"]
    assert (change["entered"], change["reason"]) == (["top"], "cut points")
    (cut,) = change["cut_points"]
    assert cut["value"]["name"] == "revenue_365d"
    assert float(cut["value"]["after"]) > float(cut["value"]["before"]) + 3000
    assert float(cut["value"]["before"]) < float(cut["before"][0]) and cut["before"] != cut["after"]
    assert len(cut["before"]) == len(cut["after"]) == 2
    with shop.warehouse() as con:
        # What a run leaves that is killed while it records the day again.
        con.execute(
            "create table segments.cut_point_before as select as_of_date as day, * from segments.cut_point"
            " where as_of_date = '2026-03-30'"
        )
        con.execute("update segments.cut_point set value = '1' where as_of_date = '2026-03-30'")
    again = shop.lohko("explain", "C001", "--segment", "value_tier", "--from", "2026-03-30", "--json").json
    assert again == found


# lohko check


def test_check_tells_of_a_removed_id_that_comes_back_as_a_run_does(shop: Shop) -> None:
    file = shop.root / "segments" / "value_tier.yaml"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    assert shop.lohko("run", "--as-of", "2026-03-30", "--json").code == 0
    assert shop.lohko("check").code == 0
    file.write_text(text, encoding="utf-8")
    told = "the id value_tier named a segmentation that was recorded from 2026-03-29 to 2026-03-29"
    ended = shop.lohko("check", "--json")
    assert ended.code == 3 and told in " ".join(ended.json["faults"])
    with hold(shop.project.warehouse_path.with_suffix(".lock"), "a run", timeout=1):
        faults, remark = reused_ids(shop.project, [])
    assert not faults and "the warehouse is in use" in remark
    file.write_text(text + "reuse: true\n", encoding="utf-8")
    assert shop.lohko("check").code == 0
