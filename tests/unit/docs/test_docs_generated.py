"""The pages made from the code are those the code makes now."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    pages: dict[str, str] = _generate().pages()
    return pages


@pytest.mark.parametrize("name", ["tables.md", "features.md", "marts.md", "segments.schema.json"])
def test_a_generated_page_is_not_stale(made: dict[str, str], name: str) -> None:
    found = (DOCS / name).read_text(encoding="utf-8")
    assert found == made[name], f"docs/{name} is stale: run `.venv/bin/python docs/generate.py`"
