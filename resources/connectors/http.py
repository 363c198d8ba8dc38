"""HTTP interfaces: every page of an endpoint, through the client of dlt's REST source, as one pull.

Rows land as text, as from JSON lines: objects become columns joined by two underscores (`customer__id`),
lists stay JSON. No fault repeats what the service said, nor an address with its parameters: both may hold
secrets or persons.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pipelines.config.connectors import Auth, Http, Pagination
from pipelines.engine import connect, literal, quote
from pipelines.errors import SourceError
from resources.connectors.cursors import begin, later
from resources.connectors.dlt_home import load_dlt
from resources.connectors.pulls import KEY, Pulls, fingerprint

if TYPE_CHECKING:
    from requests import Response

_HINTS = {
    401: "; see the variables that auth names",
    403: "; the credentials lack the permission",
    404: "; see base_url and endpoint",
}


def pull(folder: Path, name: str, http: Http) -> None:
    """Land what an endpoint has now, or since the last pull where the source has a cursor.

    Raises
    ------
    SourceError
        When the interface does not answer, refuses, or answers something else than the source expects.
    """
    load_dlt(folder, name, "http")
    from requests import RequestException
    from requests.exceptions import RetryError

    from resources.connectors.http_session import RefusedError

    of = fingerprint(
        http.base_url, http.endpoint, sorted(http.params.items()), http.rows, http.explode, http.cursor
    )
    pulls = Pulls(folder, name, of, http.cursor is not None)
    where = f"sources.{name}: {http.base_url} {http.endpoint}"
    try:
        with pulls.writing() as target:
            _write(pulls, target, http)
    except (RefusedError, RetryError) as fault:
        reason = str(fault) if isinstance(fault, RefusedError) else "it failed too often"
        raise SourceError(f"{where}: {reason}") from None
    except RequestException as fault:
        raise SourceError(f"{where}: no answer ({type(fault).__name__})") from None


def _write(pulls: Pulls, target: Path, http: Http) -> None:
    """Pages to JSON lines, and those to Parquet: which columns there are is known at the end only."""
    lines = target.with_suffix(".jsonl.tmp")
    columns: dict[str, None] = {}
    last = pulls.cursor
    start = begin(http.cursor, last) if http.cursor else None
    try:
        with lines.open("w", encoding="utf-8") as stream:
            for row in _rows(http, start):
                last = _advanced(http, last, row)
                columns.update(dict.fromkeys(row))
                _line(stream, row)
        if columns:
            _to_parquet(lines, target, list(columns), pulls.note(last))
    finally:
        lines.unlink(missing_ok=True)


def _line(stream: TextIO, row: dict[str, str | None]) -> None:
    stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _to_parquet(lines: Path, target: Path, columns: list[str], note: str) -> None:
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    listed = ", ".join(quote(column) for column in columns)
    with connect(config={"threads": 1}) as con:
        con.execute(
            f"copy (select {listed} from read_json({literal(lines)}, format = 'newline_delimited',"
            f" maximum_object_size = 268435456, columns = {{{types}}}))"
            f" to {literal(target)} (format parquet, kv_metadata {{{KEY}: {literal(note)}}})"
        )


def _advanced(http: Http, last: str | None, row: dict[str, str | None]) -> str | None:
    """The cursor after a row; a row without a value does not move it."""
    from resources.connectors.http_session import RefusedError

    cursor = http.cursor
    if cursor is None:
        return None
    if cursor.column not in row:
        raise RefusedError(f"a row has no column {cursor.column}, which cursor.column names")
    value = row[cursor.column]
    if value is None:
        return last
    try:
        return later(cursor, last, value)
    except ValueError:
        raise RefusedError(f"a value of {cursor.column} is no {cursor.type}; see cursor.type") from None


def _rows(http: Http, start: str | None) -> Iterator[dict[str, str | None]]:
    """The rows of all pages, flat; or of a list in each of them, beside the columns of the row around it."""
    for found in _pages(http, start):
        flat = flattened(found)
        if http.explode is None:
            yield flat
            continue
        around = {column: value for column, value in flat.items() if column != http.explode}
        for element in exploded(found, http.explode):
            yield {**around, **{f"{http.explode}__{key}": value for key, value in flattened(element).items()}}


def _pages(http: Http, start: str | None) -> Iterator[dict[str, Any]]:
    from dlt.sources.helpers.rest_client.client import RESTClient

    from resources.connectors.http_session import RefusedError, session_for

    params: dict[str, Any] = {key: _parameter(value) for key, value in http.params.items()}
    if http.cursor and start is not None:
        params[http.cursor.param] = start
    with session_for(http) as session:
        client = RESTClient(http.base_url, session=session, auth=_auth(http.auth))
        pages = client.paginate(
            http.endpoint,
            params=params,
            paginator=_paginator(http.pagination),
            data_selector=http.rows or "$",
            hooks={"response": [_check(http.rows)]},
        )
        for page in pages:
            for row in page:
                if not isinstance(row, dict):
                    raise RefusedError("its rows are no JSON objects; see rows")
                yield row


def _parameter(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check(path: str | None) -> Callable[..., None]:
    """What is looked at in every answer: its status, and that the rows are where they are said to be."""
    from resources.connectors.http_session import RefusedError

    def check(response: Response, *_: Any, **__: Any) -> None:
        if response.is_redirect:
            return
        if response.status_code >= 400:
            raise RefusedError(f"it answered {response.status_code}{_HINTS.get(response.status_code, '')}")
        try:
            node = response.json()
        except ValueError:
            raise RefusedError("its answer is no JSON") from None
        for part in path.split(".") if path else ():
            if not isinstance(node, dict) or part not in node:
                raise RefusedError(f"its answer has no {path}; see rows")
            node = node[part]
        if not isinstance(node, list):
            raise RefusedError(f"its answer holds no list{f' at {path}' if path else ''}; see rows")

    return check


def _auth(auth: Auth | None) -> Any:
    from dlt.sources.helpers.rest_client.auth import APIKeyAuth, BearerTokenAuth, HttpBasicAuth

    if auth is None:
        return None
    if auth.kind == "basic":
        return HttpBasicAuth(os.environ[auth.user_from or ""], os.environ[auth.password_from or ""])
    token = os.environ[auth.token_from or ""]
    return BearerTokenAuth(token) if auth.kind == "bearer" else APIKeyAuth(auth.header or "", token)


def _paginator(how: Pagination) -> Any:
    from dlt.sources.helpers.rest_client import paginators

    if how.kind == "page":
        return paginators.PageNumberPaginator(
            base_page=how.first,
            page_param=how.param or "page",
            total_path=None,
            has_more_path=how.more,
            stop_after_empty_page=True,
        )
    if how.kind == "offset":
        return paginators.OffsetPaginator(
            limit=how.limit,
            offset_param=how.param or "offset",
            limit_param=how.limit_param,
            total_path=None,
            has_more_path=how.more,
            stop_after_empty_page=True,
        )
    if how.kind == "cursor":
        return paginators.JSONResponseCursorPaginator(
            how.next or "", how.param, has_more_path=how.more, stop_after_empty_page=True
        )
    return paginators.HeaderLinkPaginator() if how.kind == "link" else paginators.SinglePagePaginator()


def flattened(row: dict[str, Any], prefix: str = "") -> dict[str, str | None]:
    """A JSON object as columns of text: objects joined by two underscores, lists as JSON."""
    flat: dict[str, str | None] = {}
    for key, value in row.items():
        if isinstance(value, dict) and value:
            flat.update(flattened(value, f"{prefix}{key}__"))
        else:
            flat[f"{prefix}{key}"] = _text(value)
    return flat


def exploded(row: dict[str, Any], column: str) -> Iterable[dict[str, Any]]:
    """The elements of the list in a column, which may lie in objects; none where there is no such list."""
    node: Any = row
    for part in column.split("__"):
        node = node.get(part) if isinstance(node, dict) else None
    return [element for element in node if isinstance(element, dict)] if isinstance(node, list) else []


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
