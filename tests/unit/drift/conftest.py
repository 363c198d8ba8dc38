from collections.abc import Iterator

import pytest
from drift_base import Base


@pytest.fixture
def base() -> Iterator[Base]:
    made = Base()
    yield made
    made.con.close()
