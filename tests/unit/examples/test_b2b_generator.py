"""The generator of the B2B example: the same seed gives the same bytes, and the files hold what it says."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fixtures.b2b import generator

from pipelines.engine import connect

SCALE = 0.1


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("b2b") / "data"
    generator().generate(folder, scale=SCALE)
    return folder


def make(folder: Path, **changed: Any) -> Path:
    generator().generate(folder / "data", **({"scale": SCALE} | changed))
    return folder / "data"


def contents(data: Path) -> dict[str, bytes]:
    return {str(p.relative_to(data)): p.read_bytes() for p in sorted(data.rglob("*")) if p.is_file()}


def ask(sql: str, data: Path) -> list[tuple[Any, ...]]:
    with connect() as con:
        return con.execute(sql.replace("DATA", str(data))).fetchall()


def totals(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "totals.json").read_text())
    return found


def test_the_same_seed_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    first, again = contents(data), contents(make(tmp_path))
    assert len(first) > 20
    assert [name for name in first if first[name] != again.get(name)] == []
    assert first.keys() == again.keys()


def test_another_seed_gives_other_bytes(data: Path, tmp_path: Path) -> None:
    first, other = contents(data), contents(make(tmp_path, seed=8))
    assert first["accounts.csv"] != other["accounts.csv"]
    assert first["order_lines/2025-12-28.parquet"] != other["order_lines/2025-12-28.parquet"]


def test_scale_changes_how_much_there_is(data: Path, tmp_path: Path) -> None:
    small, large = totals(data), totals(make(tmp_path, scale=4 * SCALE))
    assert 3 < large["accounts"] / small["accounts"] < 5
    assert large["orders"] > 2 * small["orders"] and large["order_lines"] > 2 * small["order_lines"]


def test_a_later_day_leaves_the_files_of_earlier_days_as_they_were(data: Path, tmp_path: Path) -> None:
    later = contents(make(tmp_path, through=date(2026, 1, 9)))
    of_days = {name: content for name, content in contents(data).items() if "/" in name}
    assert [name for name in of_days if of_days[name] != later.get(name)] == []
    assert "orders/2026-01-09.csv" in later and "orders/2026-01-09.csv" not in of_days


def test_nothing_is_known_before_its_day(tmp_path: Path) -> None:
    early = make(tmp_path, through=date(2024, 6, 30))
    ((latest,),) = ask(
        "select max(strptime(\"Ordered\", '%d.%m.%Y %H:%M')) from read_csv('DATA/orders/*.csv',"
        " all_varchar = true) where \"Ordered\" not like '31.02.%'",
        early,
    )
    assert date(2024, 6, 20) < latest.date() <= date(2024, 6, 30)
    assert totals(early)["campaign_contacts"] < totals(early)["accounts"] * 5


def test_the_files_hold_the_rows_that_the_totals_say(data: Path) -> None:
    said = totals(data)
    orders = "read_csv('DATA/orders/*.csv', all_varchar = true)"
    assert ask(f"select count(*) from {orders}", data) == [
        (said["orders"] + said["orders_broken"] + said["orders_sent_again"],)
    ]
    lines = "read_parquet('DATA/order_lines/*.parquet')"
    assert ask(f"select count(*), count(net_amount) from {lines}", data) == [
        (said["order_lines"] + said["order_lines_broken"], said["order_lines"])
    ]
    accounts = "read_csv('DATA/accounts.csv', all_varchar = true)"
    assert ask(f'select count(*), count("Account") from {accounts}', data) == [
        (said["accounts"] + said["accounts_broken"], said["accounts"])
    ]


def test_the_data_is_as_uneven_as_business_is(data: Path) -> None:
    ((share,),) = ask(
        "select sum(amount) filter (where place <= 0.2) / sum(amount) from"
        " (select sum(net_amount) as amount, percent_rank() over (order by sum(net_amount) desc) as place"
        ' from read_parquet(\'DATA/order_lines/*.parquet\') join (select distinct "Order", "Account" from'
        ' read_csv(\'DATA/orders/*.csv\', all_varchar = true)) on order_id = "Order" group by "Account")',
        data,
    )
    assert 0.5 < share < 0.95
    ((control,),) = ask(
        "select avg(if(\"group\" = 'control', 1, 0)) from read_csv('DATA/campaign_contacts/*.csv')", data
    )
    assert 0.15 < control < 0.25
    ((unknown,),) = ask(
        "select avg(if(\"Employees\" is null, 1, 0)) from read_csv('DATA/accounts.csv')"
        ' where "Account" is not null',
        data,
    )
    assert 0.02 < unknown < 0.25


def test_a_consent_is_given_withdrawn_and_given_again(data: Path) -> None:
    ways = {
        way
        for (way,) in ask(
            "select string_agg(consent, ' ' order by day) from read_csv('DATA/consents/*.csv')"
            " group by account, channel",
            data,
        )
    }
    assert ways >= {"given", "withdrawn", "given withdrawn", "given withdrawn given"}
    assert not any(way.startswith("withdrawn ") for way in ways)


def test_the_question_asked_the_other_way_round_is_answered_so(data: Path) -> None:
    """Of one trait: who agrees with `early` disagrees with `proven`."""
    ((alike, reversed_),) = ask(
        "select corr(early, trial), corr(early, proven) from"
        " (pivot read_csv('DATA/survey_answers/*.csv') on question_id in ('early', 'trial', 'proven')"
        "  using any_value(score) group by response_id)",
        data,
    )
    assert alike > 0.6 and reversed_ < -0.6


def test_what_is_viewed_or_downloaded_is_a_product_that_is_sold(data: Path) -> None:
    found = dict(
        ask(
            "select interaction_type, count(*) filter (where p.product_id is not null)"
            " from read_parquet('DATA/interactions/*.parquet')"
            " left join read_parquet('DATA/products.parquet') as p using (product_id) group by 1",
            data,
        )
    )
    assert found["view"] > found["download"] > 10
    assert {found[kind] for kind in ("visit", "sent", "open", "click")} == {0}


def test_a_town_lies_in_its_country_and_near_its_coordinates(data: Path) -> None:
    assert (
        ask(
            "select \"City\" from read_csv('DATA/accounts.csv', delim = ';', decimal_separator = ',')"
            ' where "Account" is not null group by "City"'
            ' having max("Latitude") - min("Latitude") > 0.15 or max("Longitude") - min("Longitude") > 0.3',
            data,
        )
        == []
    )
    assert ask(
        "select distinct upper(trim(\"Country\"))[:2] from read_csv('DATA/accounts.csv', delim = ';')"
        " where \"City\" in ('Tampere', 'Helsinki', 'Oulu', 'Kuopio')",
        data,
    ) == [("FI",)]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--through", "2023-12-31", "2023-12-31 lies outside 2024-01-01 to 2026-12-31"),
        ("--scale", "0", "0 makes no company; 1 makes 1200"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_written(
    option: str,
    value: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["generate.py", "--into", str(tmp_path / "data"), option, value])
    with pytest.raises(SystemExit) as ended:
        generator().main()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
