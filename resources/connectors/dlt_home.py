"""dlt, kept to the project: nothing written to or read from a home folder, nothing told to anyone.

dlt looks for settings and secrets in `.dlt` folders and reports its use unless told otherwise. Both are
decided by environment variables when it is first imported, so whoever needs it calls this first.
"""

from __future__ import annotations

import os
from pathlib import Path

from pipelines.errors import SourceError

QUIET = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",  # its log shows addresses and rows
}


def load_dlt(folder: Path, name: str, extra: str) -> None:
    """Import it, with its folders beside the landing of the project.

    Raises
    ------
    SourceError
        When it is not installed, naming the extra.
    """
    home = folder.parent.parent / "dlt"
    os.environ.update(QUIET)
    os.environ.setdefault("DLT_DATA_DIR", str(home))
    os.environ.setdefault("DLT_PROJECT_DIR", str(home))
    try:
        import dlt  # noqa: F401
    except ImportError:
        raise SourceError(f"sources.{name}: needs the extra `{extra}`: pip install -e '.[{extra}]'") from None
