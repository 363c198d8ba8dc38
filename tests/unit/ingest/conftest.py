from collections.abc import Iterator
from pathlib import Path

import pytest
from ingest_desk import Desk, shop


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, shop())
    yield made
    made.con.close()
