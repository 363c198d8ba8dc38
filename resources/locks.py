"""Kernel locks: released by the system when their holder dies, and they name who holds them."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import BusyError, UnwritableError


@contextmanager
def hold(path: Path, purpose: str, *, timeout: float) -> Iterator[None]:
    """Hold an exclusive lock on `path` while the block runs.

    Parameters
    ----------
    purpose : what for; named to whoever waits in vain.
    timeout : seconds to wait.

    Raises
    ------
    BusyError
        When another process holds it for longer than `timeout`.
    UnwritableError
        When the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise UnwritableError(
            f"{path}: cannot be written ({error.strerror}); expected a project folder that"
            f" {purpose} may write to. Reading commands (status, segments, query, explain) work without"
        ) from None
    holds = False
    try:
        _acquire(descriptor, path, timeout)
        holds = True
        holder = {
            "pid": os.getpid(),
            "purpose": purpose,
            "since": datetime.now(UTC).isoformat("T", "seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    finally:
        # Only who holds the lock may take its name off; a waiter that gave up leaves the holder's.
        if holds:
            os.ftruncate(descriptor, 0)
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock now; one that was killed holds none."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        # Shared and let go at once: whoever comes for the lock meanwhile tries again.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _acquire(descriptor: int, path: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BusyError(
                    f"{_holder(descriptor)} holds {path}; waited {timeout:.0f} s. Try again later"
                ) from None
            time.sleep(0.05)


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {holder['pid']} ({holder['purpose']}, since {holder['since']})"
    except (ValueError, KeyError):
        return "another process"
