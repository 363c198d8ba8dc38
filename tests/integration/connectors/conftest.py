"""A local HTTP service for every test that wants one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fixtures.web import Service, serving


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as one:
        yield one
