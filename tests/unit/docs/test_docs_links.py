"""Documents point only at what exists: relative links, pictures, headings, and repository paths."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# Made by a run or an installation, so no clone has them.
MADE = (".lohko/", ".venv/", "published/")
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists())


DOCUMENTS = _documents()
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
TOP = {path.name for path in ROOT.iterdir() if not path.name.startswith(".") or path.name == ".ci"}


def _links(text: str) -> Iterator[tuple[str, str]]:
    for match in LINK.finditer(FENCE.sub("", text)):
        target = match[1] or match[2]
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield path, anchor


def _anchors(text: str) -> set[str]:
    """The anchors a forge makes of headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _paths(text: str) -> Iterator[str]:
    """What stands in backticks and begins with a folder or file of the repository."""
    for found in CODE.findall(FENCE.sub("", text)):
        looks_like_path = re.fullmatch(r"[\w.\-/]+", found) and ("/" in found or "." in found)
        if looks_like_path and found.split("/")[0] in TOP and not any(made in f"{found}/" for made in MADE):
            yield found


def test_there_are_documents() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} <= set(NAMES)


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_relative_link_resolves(document: Path) -> None:
    for path, anchor in _links(document.read_text(encoding="utf-8")):
        target = document.parent / path if path else document
        assert target.exists(), f"{path} does not exist"
        if anchor and target.suffix == ".md":
            assert anchor in _anchors(target.read_text(encoding="utf-8")), f"{path}#{anchor}: no such heading"


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_repository_path_named_exists(document: Path) -> None:
    for path in _paths(document.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), f"`{path}` does not exist"


def test_each_decision_has_a_number_of_its_own_and_its_row_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    numbers = [name[:4] for name in files]
    assert len(set(numbers)) == len(numbers)
    assert re.findall(r"^\| \[\d{4}\]\((\S+)\)", (folder / "README.md").read_text(), re.MULTILINE) == files
