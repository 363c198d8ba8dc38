"""Names that cannot stand: of files that are no text, and of columns that Lohko itself gives.

Each holds the file it is found in, and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from pipelines.engine import quote
from pipelines.errors import SourceError
from pipelines.ingest.mapping import Mapping

# Beside every row in `raw.<source>`, and while it is typed; the last is the row itself, see `batch.account`.
PLACES = frozenset({"_file_id", "_row", "_batch_seq", "_landed_row"})
# Beside the columns of a table whose further columns are carried along.
CARRIED = frozenset(
    (
        "_source",
        "_fault",
        "_fault_reason",
        "_fault_column",
        "_decimal",
        "_row_version",
        "_row_deleted",
        "_row_filled",
    )
)


def shown(path: Path | str) -> str:
    r"""A path as text: bytes that are no UTF-8 are written out, `caf\xe9.csv`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def refuse_unreadable_name(path: Path) -> None:
    """A name that is no text can be given to no library and written into no ledger.

    Raises
    ------
    SourceError
        Naming the file by its bytes.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise SourceError(
            f"{shown(path)}: the file's name is not UTF-8; expected a name that is text. Rename the file"
        ) from None


def refuse_places(path: Path, columns: Sequence[str]) -> None:
    """Refuse a file with a column that every row of `raw.<source>` has already.

    Raises
    ------
    SourceError
        Naming the file and the column.
    """
    for column in columns:
        if column.lower() in PLACES:
            raise SourceError(
                f"{path}: has a column {column}, a name that Lohko adds to every row; rename it in the file"
            )


def refuse_taken(path: Path, mapping: Mapping, written: Collection[str], features: Collection[str]) -> None:
    """Refuse a file with a column that would be carried along under a name that is taken.

    Parameters
    ----------
    path : the file, for messages.
    mapping : the mapping of the source onto the canonical table.
    written : the columns that the mapping names itself: those are the configuration's.
    features : names of features, lower case, which an attribute of a customer would share.

    Raises
    ------
    SourceError
        Naming the file, the column, and the line of the mapping that gives it another name.
    """
    for column in mapping.attributes:
        if column in written:
            continue
        owner = "Lohko's own" if column.lower() in CARRIED else "a feature's"
        if column.lower() in CARRIED | set(features):
            where = f"sources.{mapping.source}.tables.{mapping.contract.table}"
            raise SourceError(
                f"{path}: the name of its column {column} is {owner}; expected another for an attribute. Map"
                f" it in {where}, for example `{mapping.source}_{column.strip('_')}: {quote(column)}`"
            )
