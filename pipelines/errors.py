"""The faults Lohko tells a person about, each with the exit code of the command.

A fault carries one message that says what is wrong, where, what was expected and what to do.
Anything else that escapes is a bug (exit code 1) and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterator


def chain_of(fault: BaseException) -> Iterator[BaseException]:
    """The fault and what it came of, each once: Dagster makes chains that lead back into themselves."""
    found: BaseException | None = fault
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


class LohkoError(Exception):
    """A fault with a message for a person; `exit_code` is what the command ends with."""

    exit_code = 1


class UsageError(LohkoError):
    """The command was called with words that do not fit."""

    exit_code = 2


class ConfigError(LohkoError):
    """project.yaml, a segment definition or a mapping is wrong; nothing was run."""

    exit_code = 3


class UnwritableError(ConfigError):
    """A folder that has to be written cannot be; what only reads goes on."""


class SourceError(LohkoError):
    """A source's files cannot be used; the source is held at its last good state."""

    exit_code = 4


class InvariantError(LohkoError):
    """An invariant does not hold; the run stops and what was published stays as it was."""

    exit_code = 4


class BusyError(LohkoError):
    """Another process holds the warehouse."""

    exit_code = 6


class ExternalError(LohkoError):
    """A service outside (a destination, a notification address) did not answer."""

    exit_code = 7
