"""Faults of the outside: locks, the warehouse, landing, incidents and alerts."""

from __future__ import annotations

from .fault import Fault

_LOCK = "tests/unit/resources/test_warehouse_lock.py"
_LANDING = "tests/unit/resources/test_landing.py"

FAULTS = (
    Fault(
        "two-hold-the-lock",
        "One process holds the warehouse at a time.",
        "resources/locks.py",
        "            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)\n",
        (f"{_LOCK}::test_a_second_opener_is_busy",),
    ),
    Fault(
        "a-waiter-takes-the-holders-name",
        "Whoever waits in vain is told who holds the lock.",
        "resources/locks.py",
        "        if holds:\n            os.ftruncate(descriptor, 0)\n",
        "        os.ftruncate(descriptor, 0)\n",
        (f"{_LOCK}::test_a_second_process_is_told_who_holds_the_lock_until_that_one_is_killed",),
    ),
    Fault(
        "a-connection-outlives-its-step",
        "The connection is closed when the body raises.",
        "resources/warehouse.py",
        "                yield con\n            finally:\n                con.close()\n",
        '                yield con\n            finally:\n                con.execute("select 1")\n',
        (f"{_LOCK}::test_the_connection_is_closed_and_the_lock_free_when_the_body_raises",),
    ),
    Fault(
        "a-file-of-the-same-size-is-known",
        "A file is new when its content is.",
        "resources/landing.py",
        'if entry and (entry["size"], entry["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns):',
        'if entry and entry["size"] == stat.st_size:',
        (f"{_LANDING}::test_a_file_is_new_when_its_content_is",),
    ),
    Fault(
        "half-a-slice-is-landed",
        "A slice of an archive is landed whole or not at all.",
        "resources/landing.py",
        'temporary = target.with_suffix(".tmp")',
        "temporary = target",
        (f"{_LANDING}::test_what_a_killed_run_left_is_no_landed_file",),
    ),
)
