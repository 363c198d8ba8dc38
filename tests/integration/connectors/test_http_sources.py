"""HTTP interfaces, against a local server that answers as the services document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fixtures.fetched import Fetched, fetched
from fixtures.web import Answer, Request, Service, hubspot, shopify, stripe

from pipelines.errors import ConfigError, SourceError

SECRET = "s3cr3t-t0ken"  # noqa: S105


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPIFY_ACCESS_TOKEN", "shpat_secret")
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", "pat_secret")
    monkeypatch.setenv("STRIPE_API_KEY", "sk_secret")
    monkeypatch.setenv("SHOP_TOKEN", SECRET)


def order(number: int, at: str) -> dict[str, Any]:
    return {
        "id": number,
        "updated_at": at,
        "total_price": f"{number}.10",
        "customer": {"id": 7, "email": "a@example.com"},
        "line_items": [{"id": number * 10 + n, "price": "1.05"} for n in (1, 2)],
    }


def template(service: Service, root: Path, name: str, **more: Any) -> Fetched:
    http = {"template": name, "base_url": service.address, "requests_per_second": 1000, **more}
    return fetched(root, http=http)


def plain(service: Service, root: Path, **more: Any) -> Fetched:
    http = {"base_url": service.address, "endpoint": "rows", "requests_per_second": 1000, **more}
    return fetched(root, http=http)


def rows_of(service: Service, *numbers: int) -> None:
    service.respond = lambda _: Answer([{"id": number} for number in numbers])


# The shipped templates


def test_shopify_orders_come_page_by_page_and_then_only_what_is_new(service: Service, tmp_path: Path) -> None:
    orders = [order(n, f"2026-03-0{n}T10:00:00-05:00") for n in range(1, 6)]
    service.respond = shopify(orders)
    shop = template(service, tmp_path, "shopify.orders")
    shop.fetch()
    assert shop.rows("select id, total_price, customer__id from t order by id") == [
        (str(n), f"{n}.10", "7") for n in range(1, 6)
    ]
    assert service.asked[0] == {"status": "any", "limit": "250"}
    assert [sorted(one) for one in service.asked[1:]] == [["limit", "page_info"]] * 2
    orders.append(order(6, "2026-03-06T10:00:00-05:00"))
    shop.fetch()
    # An hour before the newest.
    assert service.asked[3]["updated_at_min"] == "2026-03-05T09:00:00-05:00"
    assert shop.files() == ["pull-000001.parquet", "pull-000002.parquet"]
    assert shop.rows("select distinct id from t order by id")[-1] == ("6",)
    assert shop.left_behind() == []


def test_the_lines_of_shopify_orders_keep_their_order(service: Service, tmp_path: Path) -> None:
    service.respond = shopify([order(1, "2026-03-01T10:00:00Z")])
    shop = template(service, tmp_path, "shopify.order_lines")
    shop.fetch()
    assert shop.rows("select id, line_items__id, line_items__price from t order by all") == [
        ("1", "11", "1.05"),
        ("1", "12", "1.05"),
    ]


def test_shopify_customers(service: Service, tmp_path: Path) -> None:
    service.respond = shopify([{"id": n, "updated_at": f"2026-03-0{n}T10:00:00Z"} for n in (1, 2, 3)])
    shop = template(service, tmp_path, "shopify.customers")
    shop.fetch()
    assert len(shop.rows()) == 3


@pytest.mark.parametrize("kind", ["contacts", "companies", "deals", "consent"])
def test_hubspot_objects_come_with_their_properties(service: Service, tmp_path: Path, kind: str) -> None:
    shop = template(service, tmp_path, f"hubspot.{kind}")
    http = shop.source.http
    assert http is not None
    named = str(http.params["properties"]).split(",")
    service.respond = hubspot(
        [{"id": str(n), "properties": {key: f"{key} {n}" for key in named}} for n in range(5)]
    )
    shop.fetch()
    listed = ", ".join(f"properties__{key}" for key in named)
    assert shop.rows(f"select id, {listed} from t order by id") == [
        (str(n), *(f"{key} {n}" for key in named)) for n in range(5)
    ]
    assert {request.path for request in service.requests} == {
        f"/crm/v3/objects/{'contacts' if kind == 'consent' else kind}"
    }
    shop.fetch()
    assert shop.files() == ["full.parquet"]


def test_stripe_charges_page_by_their_last_id_and_are_read_again_for_refunds(
    service: Service, tmp_path: Path
) -> None:
    day = 86_400
    charges: list[dict[str, Any]] = [
        {"id": f"ch_{n}", "created": 1_700_000_000 + n * day, "amount": 100 * n, "refunded": False}
        for n in range(120)
    ]
    service.respond = stripe(charges, size=50)
    shop = template(service, tmp_path, "stripe.charges")
    shop.fetch()
    assert shop.rows("select count(*), count(distinct id) from t") == [(120, 120)]
    assert [one.get("starting_after") for one in service.asked] == [None, "ch_70", "ch_20"]
    charges[100]["refunded"] = True
    shop.fetch()
    assert service.asked[3]["created[gte]"] == str(1_700_000_000 + 29 * day)
    assert shop.rows("select refunded from t where id = 'ch_100' order by 1") == [("false",), ("true",)]


# Pagination


@pytest.mark.parametrize(
    ("pagination", "asked"),
    [
        ({"kind": "page"}, [{"page": "1"}, {"page": "2"}, {"page": "3"}]),
        ({"kind": "page", "param": "p", "first": 0}, [{"p": "0"}, {"p": "1"}, {"p": "2"}]),
        (
            {"kind": "offset", "limit": 2},
            [{"offset": "0", "limit": "2"}, {"offset": "2", "limit": "2"}, {"offset": "4", "limit": "2"}],
        ),
    ],
)
def test_pages_are_asked_for_until_one_is_empty(
    service: Service, tmp_path: Path, pagination: dict[str, Any], asked: list[dict[str, str]]
) -> None:
    def respond(request: Request) -> Answer:
        numbers = [[1, 2], [3, 4], []][len(service.requests) - 1]
        return Answer({"data": {"items": [{"id": number} for number in numbers]}})

    service.respond = respond
    shop = plain(service, tmp_path, rows="data.items", pagination=pagination)
    shop.fetch()
    assert service.asked == asked
    assert shop.rows("select id from t order by id") == [("1",), ("2",), ("3",), ("4",)]


def test_a_link_to_another_address_is_not_followed(service: Service, tmp_path: Path) -> None:
    link = {"Link": '<http://localhost:1/rows>; rel="next"'}
    service.respond = lambda _: Answer([{"id": 1}], headers=link)
    shop = plain(service, tmp_path, pagination={"kind": "link"})
    with pytest.raises(SourceError, match="led to another address"):
        shop.fetch()


def test_a_redirect_to_another_address_is_not_followed(service: Service, tmp_path: Path) -> None:
    service.respond = lambda _: Answer({}, 302, {"Location": "http://localhost:1/rows"})
    with pytest.raises(SourceError, match="led to another address"):
        plain(service, tmp_path).fetch()


# Authentication


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "bearer", "token_from": "SHOP_TOKEN"}, "Authorization", f"Bearer {SECRET}"),
        ({"kind": "header", "header": "X-Api-Key", "token_from": "SHOP_TOKEN"}, "X-Api-Key", SECRET),
        (
            {"kind": "basic", "user_from": "SHOP_USER", "password_from": "SHOP_TOKEN"},
            "Authorization",
            "Basic YW5uYTpzM2NyM3QtdDBrZW4=",
        ),
    ],
)
def test_every_request_carries_the_credentials(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    auth: dict[str, str],
    header: str,
    value: str,
) -> None:
    monkeypatch.setenv("SHOP_USER", "anna")
    rows_of(service, 1)
    plain(service, tmp_path, auth=auth).fetch()
    assert [request.headers.get(header) for request in service.requests] == [value]


def test_a_variable_that_is_not_set_is_named_and_nobody_is_asked(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_TOKEN")
    shop = plain(service, tmp_path, auth={"kind": "bearer", "token_from": "SHOP_TOKEN"})
    with pytest.raises(ConfigError, match=r"sources\.shop\.http\.auth\.token_from: .* SHOP_TOKEN is not set"):
        shop.fetch()
    assert service.requests == []


# Services that throttle and fail


def test_a_throttled_request_waits_as_long_as_it_is_told(service: Service, tmp_path: Path) -> None:
    rows_of(service, 1)
    service.before = [Answer({}, 429, {"Retry-After": "0.4"})] * 2
    began = time.monotonic()
    shop = plain(service, tmp_path)
    shop.fetch()
    assert time.monotonic() - began >= 0.8
    assert shop.rows() == [("1",)]
    assert len(service.requests) == 3


def test_a_wait_longer_than_allowed_holds_the_source(service: Service, tmp_path: Path) -> None:
    service.before = [Answer({}, 429, {"Retry-After": "3600"})]
    with pytest.raises(SourceError, match="asks to wait 3600 seconds, longer than longest_wait_seconds"):
        plain(service, tmp_path).fetch()


def test_a_failing_service_is_asked_again_and_then_held(service: Service, tmp_path: Path) -> None:
    rows_of(service, 1)
    service.before = [Answer({}, 500), Answer({}, 503)]
    shop = plain(service, tmp_path, retries=2)
    shop.fetch()
    assert shop.rows() == [("1",)]
    service.requests.clear()
    service.respond = lambda _: Answer({"error": "anna@example.com"}, 500)
    with pytest.raises(SourceError, match=r"/?rows: it answered 500") as told:
        shop.fetch()
    assert len(service.requests) == 3
    assert "anna" not in str(told.value)
    assert shop.rows() == [("1",)]


def test_a_page_that_fails_lands_nothing_of_the_pages_before(service: Service, tmp_path: Path) -> None:
    service.respond = shopify([order(n, f"2026-03-0{n}T10:00:00Z") for n in range(1, 6)])
    shop = template(service, tmp_path, "shopify.orders", retries=0)
    good = service.respond
    service.respond = lambda asked: Answer({}, 500) if len(service.requests) == 2 else good(asked)
    with pytest.raises(SourceError, match="answered 500"):
        shop.fetch()
    assert [path for path in shop.landing.iterdir() if path.is_file()] == []
    shop.fetch()
    assert len(shop.rows()) == 5


def test_requests_keep_to_the_pace(service: Service, tmp_path: Path) -> None:
    service.respond = lambda _: Answer([{"id": 1}] if len(service.requests) < 4 else [])
    began = time.monotonic()
    plain(service, tmp_path, pagination={"kind": "page"}, requests_per_second=10).fetch()
    assert len(service.requests) == 4
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer({}, 401), "it answered 401; see the variables that auth names"),
        (Answer({}, 404), "it answered 404; see base_url and endpoint"),
        (Answer(b"<html>anna@example.com"), "its answer is no JSON"),
        (Answer({"other": []}), "its answer has no items; see rows"),
        (Answer({"items": {"id": 1}}), "its answer holds no list at items"),
        (Answer({"items": [1, 2]}), "its rows are no JSON objects"),
        (Answer({"items": []}), "there were no rows; expected at least one"),
    ],
)
def test_an_answer_that_is_not_as_expected_is_told(
    service: Service, tmp_path: Path, answer: Answer, expected: str
) -> None:
    service.respond = lambda _: answer
    shop = plain(
        service,
        tmp_path,
        rows="items",
        params={"api_key": SECRET},
        auth={"kind": "bearer", "token_from": "SHOP_TOKEN"},
    )
    with pytest.raises(SourceError) as told:
        shop.fetch()
    assert expected in str(told.value)
    assert SECRET not in str(told.value)
    assert "anna" not in str(told.value)
    assert told.value.__cause__ is None


def test_nobody_there_is_told_without_the_parameters(tmp_path: Path) -> None:
    http = {"base_url": "http://127.0.0.1:1", "endpoint": "rows", "params": {"key": SECRET}, "retries": 0}
    with pytest.raises(SourceError, match=r"no answer \(ConnectionError\)") as told:
        fetched(tmp_path, http=http).fetch()
    assert SECRET not in str(told.value)


# Cursors


def test_the_order_of_cursors_is_that_of_the_instants(service: Service, tmp_path: Path) -> None:
    times = ["2026-03-29T23:30:00-05:00", "2026-03-30T01:00:00+03:00"]  # the first is later
    service.respond = lambda _: Answer([{"id": n, "changed": at} for n, at in enumerate(times)])
    shop = plain(service, tmp_path, cursor={"column": "changed", "param": "since"})
    shop.fetch()
    shop.fetch()
    assert service.asked == [{}, {"since": times[0]}]
    # The second pull brought what the first had.
    assert shop.files() == ["pull-000001.parquet"]


def test_a_first_pull_begins_where_the_project_says(service: Service, tmp_path: Path) -> None:
    service.respond = lambda _: Answer([{"id": 1, "seq": 41}])
    cursor = {"column": "seq", "param": "from", "type": "number", "start": 40, "lookback": 5}
    shop = plain(service, tmp_path, cursor=cursor)
    shop.fetch()
    shop.fetch()
    assert service.asked == [{"from": "40"}, {"from": "36"}]


def test_an_endpoint_empty_at_first_is_read_from_its_start_on(service: Service, tmp_path: Path) -> None:
    found: list[dict[str, int]] = []
    service.respond = lambda _: Answer(found)
    cursor = {"column": "seq", "param": "from", "type": "number", "start": 40, "lookback": 5}
    shop = plain(service, tmp_path, cursor=cursor)
    for _ in range(2):
        with pytest.raises(SourceError, match=r"sources\.shop: there were no rows; expected at least one"):
            shop.fetch()
        assert list(shop.landing.iterdir()) == []
    found.append({"id": 1, "seq": 70})
    shop.fetch()
    found.clear()
    shop.fetch()  # no row since the cursor is no fault
    found.append({"id": 2, "seq": 71})
    shop.fetch()
    assert [one["from"] for one in service.asked] == ["40", "40", "40", "65", "65"]
    assert shop.rows("select id from t order by id") == [("1",), ("2",)]


def test_another_endpoint_starts_anew(service: Service, tmp_path: Path) -> None:
    service.respond = lambda _: Answer([{"id": 1, "seq": 41}])
    cursor = {"column": "seq", "param": "from", "type": "number"}
    plain(service, tmp_path, cursor=cursor).fetch()
    plain(service, tmp_path, cursor=cursor, endpoint="others").fetch()
    assert service.asked == [{}, {}]


@pytest.mark.parametrize(
    ("row", "expected"),
    [({"id": 1}, "has no column changed"), ({"changed": "yesterday"}, "is no timestamp")],
)
def test_a_cursor_that_is_none_holds_the_source(
    service: Service, tmp_path: Path, row: dict[str, Any], expected: str
) -> None:
    service.respond = lambda _: Answer([row])
    shop = plain(service, tmp_path, cursor={"column": "changed", "param": "since"})
    with pytest.raises(SourceError, match=expected) as told:
        shop.fetch()
    assert "yesterday" not in str(told.value)


# What lands


def test_values_land_as_text_as_from_json_lines(service: Service, tmp_path: Path) -> None:
    row = {"n": 1, "f": 10.5, "b": True, "t": "Ü '\"", "none": None, "l": [1, {"a": 2}], "o": {"a": {"b": 3}}}
    service.respond = lambda _: Answer([row, {"late": 1, "empty": {}}])
    shop = plain(service, tmp_path)
    shop.fetch()
    assert shop.rows('select n, f, b, t, "none", l, o__a__b, late, empty from t order by n nulls last') == [
        ("1", "10.5", "true", "Ü '\"", None, '[1, {"a": 2}]', "3", None, None),
        (None, None, None, None, None, None, None, "1", "{}"),
    ]


def test_nothing_is_written_to_the_home_folder_and_nobody_is_told(service: Service, tmp_path: Path) -> None:
    rows_of(service, 1)
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    code = """
import socket, sys, json
from pathlib import Path
sys.path[:0] = json.loads(sys.argv[2])
asked = []
connect = socket.socket.connect
socket.socket.connect = lambda self, address: (asked.append(address), connect(self, address))[1]
from fixtures.fetched import fetched
http = {"base_url": sys.argv[1], "endpoint": "rows"}
shop = fetched(Path("project").absolute(), http=http)
shop.fetch()
print(json.dumps({"rows": shop.rows(), "hosts": sorted({address[0] for address in asked})}))
"""
    tests = Path(__file__).parents[2]
    paths = [str(tests.parent), str(tests)]
    ended = subprocess.run(
        [sys.executable, "-c", code, service.address, json.dumps(paths)],
        cwd=work,
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {"rows": [["1"]], "hosts": ["127.0.0.1"]}
    assert list(home.iterdir()) == []
    assert [path.name for path in work.iterdir()] == ["project"]
    assert [path.name for path in (work / "project").iterdir()] == [".lohko"]
