"""The session that asks an HTTP interface: patient, at its pace, and true to one address.

urllib3 repeats what failed, with growing waits, and waits as long as a Retry-After header says. Two things
are added: fractions of a second, which Shopify sends, and a limit to the wait.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from pipelines.config.connectors import Http

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

_AGAIN = (429, 500, 502, 503, 504)
_LONGEST_BACKOFF = 60


class RefusedError(Exception):
    """What the interface did, told without anything that it or the address said."""


class Patience(Retry):
    """Retry-After in seconds with a fraction too; nobody waits longer than the project allows."""

    longest: float = 300

    def new(self, **kwargs: Any) -> Patience:
        other: Patience = super().new(**kwargs)
        other.longest = self.longest
        return other

    def parse_retry_after(self, retry_after: str) -> float:
        try:
            seconds = float(retry_after)
        except ValueError:
            seconds = super().parse_retry_after(retry_after)
        return max(seconds, 0)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        seconds = super().get_retry_after(response)
        if seconds is not None and seconds > self.longest:
            raise RefusedError(
                f"it asks to wait {seconds:.0f} seconds, longer than longest_wait_seconds ({self.longest:g})"
            )
        return seconds


class Pacing(HTTPAdapter):
    """Sends no faster than allowed, and to the one address that the credentials are for."""

    def __init__(self, origin: tuple[str, str | None, int | None], gap: float, retry: Retry) -> None:
        self._origin, self._gap, self._next = origin, gap, 0.0
        super().__init__(max_retries=retry)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if origin_of(request.url or "") != self._origin:
            raise RefusedError("it led to another address; credentials are sent to base_url only")
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._next = time.monotonic() + self._gap
        return super().send(request, *args, **kwargs)


def session_for(http: Http) -> requests.Session:
    """A session with the retries, the pace and the time-out of a source."""
    retry = Patience(
        total=http.retries,
        status_forcelist=_AGAIN,
        allowed_methods=frozenset({"GET"}),
        backoff_factor=0.5,
        backoff_max=_LONGEST_BACKOFF,
        backoff_jitter=0.2,
        respect_retry_after_header=True,
        raise_on_status=False,
    )
    retry.longest = http.longest_wait_seconds
    session = _Session(http.timeout_seconds)
    adapter = Pacing(origin_of(http.base_url), 1 / http.requests_per_second, retry)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _Session(requests.Session):
    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout
        # A .netrc of the machine must not replace the credentials of the source.
        self.trust_env = False

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", self._timeout)
        return super().send(request, **kwargs)


def origin_of(address: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port
