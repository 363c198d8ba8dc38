"""Sources beyond local files, as `project.yaml` describes them: workbooks, databases and HTTP interfaces.

Secrets never stand in a file: a setting that ends in `_from` names the environment variable that holds one.
Nothing here connects to anything.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipelines.config.templates import TEMPLATES
from pipelines.config.yaml import nearest

SCHEMES = ("s3", "gs", "gcs", "az", "abfs", "abfss", "https", "http")
WORKBOOKS = (".xlsx", ".xlsm")
_DURATION = re.compile(r"^(\d+)([smhdw])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]


class Part(BaseModel):
    """Every part refuses what it does not know: a misspelt setting must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def scheme_of(address: str) -> str | None:
    """The scheme of a remote address (`s3` of `s3://bucket/*.csv`); None for a path."""
    scheme, found, _ = address.partition("://")
    return scheme.lower() if found else None


def check_address(address: str) -> str:
    """An address of files: of a scheme that can be read, and without a password in it.

    Raises
    ------
    ValueError
        When the scheme is not one that can be read, or a password is in the address.
    """
    scheme = scheme_of(address)
    if scheme is None:
        return address
    if scheme not in SCHEMES:
        raise ValueError(f"{scheme}:// cannot be read; expected a path or one of {', '.join(SCHEMES)}")
    if "@" in urlsplit(address).netloc and scheme not in ("abfs", "abfss"):
        raise ValueError("holds a user or a password; credentials come from the environment only")
    return address


def duration(text: str) -> timedelta:
    """`2d`, `6h`, `30m`, `10s` or `1w`.

    Raises
    ------
    ValueError
        When the text is not a number with a unit.
    """
    match = _DURATION.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration; expected a number with s, m, h, d or w, such as 2d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _lookback(value: object) -> object:
    if isinstance(value, str) and not value.isdecimal():
        duration(value)
    return value


class Excel(Part):
    """Where in a workbook the rows stand."""

    sheet: str | int = Field(default=1, description="name of the sheet, or its number, counted from 1")
    header_row: int = Field(default=1, ge=1, description="row that holds the column names, counted from 1")

    @field_validator("sheet")
    @classmethod
    def _from_one(cls, sheet: str | int) -> str | int:
        if isinstance(sheet, int) and sheet < 1:
            raise ValueError("sheets are counted from 1")
        return sheet


class Database(Part):
    """A table or a query of a database that SQLAlchemy reaches."""

    url_from: Variable = Field(description="environment variable that holds the SQLAlchemy URL")
    table: str | None = Field(default=None, min_length=1, description="table or view, as NAME or SCHEMA.NAME")
    query: str | None = Field(default=None, min_length=1, description="a SELECT, instead of a table")
    cursor: str | None = Field(
        default=None, description="column that grows with every new or changed row; without it, all is read"
    )
    lookback: str | int = Field(
        default=0, description="how far before the last value to read again: 2d, 6h, or a number of integers"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Database:
        if (self.table is None) == (self.query is None):
            raise ValueError("expected exactly one of table and query")
        if self.lookback and not self.cursor:
            raise ValueError("lookback needs a cursor")
        return self

    _duration = field_validator("lookback")(_lookback)


class Pagination(Part):
    """How an interface hands out its rows in pages."""

    kind: Literal["none", "page", "offset", "link", "cursor"]
    param: str | None = Field(default=None, description="query parameter that asks for the next page")
    first: int = Field(default=1, ge=0, description="number of the first page")
    limit: int = Field(default=100, ge=1, description="rows a page, of pagination by offset")
    limit_param: str = Field(default="limit", description="query parameter that holds the limit")
    next: str | None = Field(default=None, description="where the answer holds the next page's cursor")
    more: str | None = Field(default=None, description="where the answer says whether there are more pages")

    @model_validator(mode="after")
    def _complete(self) -> Pagination:
        if self.kind == "cursor" and not (self.next and self.param):
            raise ValueError("pagination by cursor needs next and param")
        return self


class HttpCursor(Part):
    """Read only what is new: a column of the rows, and the parameter that asks for rows from a value on."""

    column: str = Field(description="column of the landed rows that grows with every new or changed row")
    param: str = Field(description="query parameter for the value to start from")
    type: Literal["timestamp", "seconds", "milliseconds", "number"] = Field(
        default="timestamp", description="ISO 8601 times, times since 1970, or a plain number"
    )
    start: str | int | None = Field(default=None, description="value of the first request; without it, none")
    lookback: str | int = Field(default=0, description="how far before the last value to read again")

    @model_validator(mode="after")
    def _fitting(self) -> HttpCursor:
        number = isinstance(self.lookback, int) or self.lookback.isdecimal()
        if self.lookback and number == (self.type != "number"):
            expected = "a number" if self.type == "number" else "a duration, such as 2d"
            raise ValueError(f"lookback of a cursor of type {self.type} is {expected}")
        return self

    _duration = field_validator("lookback")(_lookback)


class Auth(Part):
    """How a request proves who asks. Every value comes from the environment."""

    kind: Literal["bearer", "header", "basic"]
    header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$", description="header for a key")
    token_from: Variable | None = Field(default=None, description="variable with the token or the key")
    user_from: Variable | None = Field(default=None, description="variable with the user's name")
    password_from: Variable | None = Field(default=None, description="variable with the password")

    @model_validator(mode="after")
    def _complete(self) -> Auth:
        needed = {
            "bearer": {"token_from"},
            "header": {"header", "token_from"},
            "basic": {"user_from", "password_from"},
        }[self.kind]
        given = {
            name for name in ("header", "token_from", "user_from", "password_from") if getattr(self, name)
        }
        if given != needed:
            raise ValueError(f"auth of kind {self.kind} takes {', '.join(sorted(needed))}")
        return self


class Http(Part):
    """One endpoint of an HTTP interface that answers JSON."""

    template: str | None = Field(default=None, description="settings of a known interface to start from")
    base_url: str = Field(description="address of the interface")
    endpoint: str = Field(description="path below the address")
    params: dict[str, str | int | bool] = Field(default_factory=dict, description="query parameters")
    rows: str | None = Field(default=None, description="where the answer holds the rows, such as data.items")
    explode: str | None = Field(
        default=None, description="column of each row that holds a list: each of its elements becomes a row"
    )
    pagination: Pagination = Pagination(kind="none")
    cursor: HttpCursor | None = None
    auth: Auth | None = None
    retries: int = Field(default=5, ge=0, le=20, description="further tries after 429, 5xx or no answer")
    requests_per_second: float = Field(default=10, gt=0, description="requests a second, at most")
    timeout_seconds: float = Field(default=60, gt=0, description="how long to wait for an answer")
    longest_wait_seconds: float = Field(
        default=300, ge=0, description="longest Retry-After to wait for; beyond it the source is held"
    )

    @model_validator(mode="before")
    @classmethod
    def _filled_from_the_template(cls, given: Any) -> Any:
        """What the project writes wins, setting by setting; `params` are joined."""
        if not isinstance(given, dict) or not isinstance(given.get("template"), str):
            return given
        name = given["template"]
        if name not in TEMPLATES:
            known = ", ".join(sorted(TEMPLATES))
            raise ValueError(f"no template {name}{nearest(name, TEMPLATES)} (known: {known})")
        template = TEMPLATES[name]
        joined = {**template, **given}
        if isinstance(given.get("params"), dict):
            joined["params"] = {**template.get("params", {}), **given["params"]}
        return joined

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as https://api.example.com")
        if "@" in parts.netloc or parts.query:
            raise ValueError("an address takes no user, password or parameters; use auth and params")
        return address

    @field_validator("endpoint")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        if scheme_of(path) or path.startswith("//") or "?" in path:
            raise ValueError("expected a path below base_url; parameters go to params")
        return path
