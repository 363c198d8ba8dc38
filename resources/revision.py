"""Definitions as they are in a git revision: read with `git show`, never checked out."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from pipelines.config.yaml import read_yaml
from pipelines.errors import ConfigError, UsageError
from resources.project import Project

LISTS = "lists"


@dataclass(frozen=True)
class Revision:
    """The definitions of a project at a revision, copied to a folder that is gone after use.

    `files` are the definitions in `root`. `untracked` are uploaded lists that the revision does not have:
    their present content stands in for them.
    """

    reference: str
    commit: str
    root: Path
    files: list[Path]
    untracked: list[str]

    def told(self, message: str) -> str:
        """A fault's message with the revision in the place of the folder."""
        return message.replace(f"{self.root}/", f"{self.reference}:")


@contextmanager
def at_revision(project: Project, reference: str) -> Iterator[Revision]:
    """The project's definitions as they are in `reference`.

    Raises
    ------
    UsageError
        When there is no git, the project is in no repository, or there is no such revision.
    """
    commit = _commit(project.root, reference)
    # Relative to the project's folder, because git runs there.
    listed = _git(project.root, "ls-tree", "--name-only", "-z", commit, "segments/").decode()
    names = sorted(name for name in listed.split("\0") if name.endswith(".yaml"))
    with TemporaryDirectory(prefix="lohko-revision-") as folder:
        root = Path(folder).resolve()
        (root / "segments").mkdir()
        files = []
        for name in names:
            path = root / name
            path.write_bytes(_show(project.root, commit, name))
            files.append(path)
        untracked = [uploaded for path in files for uploaded in _bring_lists(project, commit, root, path)]
        yield Revision(reference, commit[:12], root, files, untracked)


def _bring_lists(project: Project, commit: str, root: Path, definition: Path) -> list[str]:
    """Copy the uploaded lists that a definition names; returns those that the revision does not have."""
    untracked = []
    for name in _lists_in(definition):
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.write_bytes(_show(project.root, commit, name))
        except UsageError:
            present = project.root / name
            if present.is_file():
                target.write_bytes(present.read_bytes())
                untracked.append(name)
    return untracked


def _lists_in(definition: Path) -> list[str]:
    """The files that a definition names and that lie in the project's folder; others are its own fault."""
    try:
        tree = read_yaml(definition)
    except ConfigError:
        return []
    segments = tree.get("segments")
    if tree.get("kind") != LISTS or not isinstance(segments, list):
        return []
    named = [segment.get("file") for segment in segments if isinstance(segment, dict)]
    return [
        name
        for name in named
        if isinstance(name, str)
        and name
        and not PurePosixPath(name).is_absolute()
        and ".." not in PurePosixPath(name).parts
    ]


def _commit(folder: Path, reference: str) -> str:
    if reference.startswith("-"):
        raise UsageError(f"--against {reference}: expected a git revision, such as HEAD~1 or main")
    _git(
        folder,
        "rev-parse",
        "--show-toplevel",
        fault=f"{folder} is in no git repository; nothing to compare with",
    )
    found = _git(
        folder,
        "rev-parse",
        "--verify",
        "--quiet",
        f"{reference}^{{commit}}",
        fault=f"--against {reference}: git knows no such revision here; expected such as HEAD~1 or main",
    )
    return found.decode().strip()


def _show(folder: Path, commit: str, name: str) -> bytes:
    return _git(folder, "show", "--no-textconv", f"{commit}:./{name}", fault=f"{name} is not in {commit}")


def _git(folder: Path, *words: str, fault: str | None = None) -> bytes:
    """What git prints; it reads the repository and changes nothing."""
    try:
        ended = subprocess.run(  # noqa: S603 - no shell; a revision cannot be taken for an option
            ["git", *words],  # noqa: S607
            cwd=folder,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed; lohko diff compares with a git revision") from None
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        hint = f" ({said[-1]})" if said else ""
        raise UsageError(f"{fault or 'git ' + ' '.join(words) + ' failed'}{hint}")
    return ended.stdout
