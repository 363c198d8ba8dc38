"""The header of a `.sql` file: its leading comment, which says what the file is.

    -- step: features.customer_day
    -- One row per customer and business day with a purchase.
    -- key: customer_id, business_date
    -- store: replace

The first line names the kind. A `step: TABLE` is a SELECT whose result is stored as that table, and says
`store`. A `fragment: TABLE` is a part of the SELECT that fills TABLE, and cannot be run alone. A `query` is
asked, and its caller says what becomes of its rows. The lines after it say what a row is. `dialect: duckdb,
REASON` exempts a file from the portable subset (docs/portable-sql.md). What a file reads is not said: it
follows from the SELECT.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["step", "fragment", "query"]
STORES = ("replace", "append", "partition", "view")
_FIELD = re.compile(r"^(step|fragment|query|key|store|dialect|inputs)\b:?\s*(.*)$")


@dataclass(frozen=True)
class Header:
    """What the leading comment of a file says.

    `table` is the one a step fills or a fragment is a part of; empty of a query. `only_duckdb` is the reason
    why the file is not portable; None where it is.
    """

    kind: Kind
    table: str
    description: str
    key: tuple[str, ...]
    store: str
    only_duckdb: str | None


def parse_header(comment: list[str], where: str) -> Header:
    """Read the lines of a leading comment, without their dashes.

    Parameters
    ----------
    comment : the lines; the first one names the kind.
    where : the file, for messages.

    Raises
    ------
    ValueError
        The header lacks what its kind needs, or says what only another kind may say.
    """
    opening = _FIELD.match(comment[0]) if comment else None
    kind = _kind(opening[1] if opening else "", where)
    table = opening[2] if opening else ""
    said: dict[str, str] = {}
    prose = []
    for line in comment[1:]:
        field = _FIELD.match(line)
        if field and line.startswith(f"{field[1]}:"):
            said[field[1]] = field[2]
        else:
            prose.append(line)
    _check(kind, table, said, bool(prose), where)
    return Header(
        kind=kind,
        table=table,
        description=" ".join(prose),
        key=tuple(name.strip() for name in said.get("key", "").split(",") if name.strip()),
        store=said.get("store", ""),
        only_duckdb=_reason(said.get("dialect"), where),
    )


def _kind(word: str, where: str) -> Kind:
    for kind in get_args(Kind):
        if word == kind:
            return kind  # type: ignore[no-any-return]
    raise ValueError(
        f"{where}: the first line names the kind of the file;"
        " expected `-- step: TABLE`, `-- fragment: TABLE` or `-- query`"
    )


def _check(kind: Kind, table: str, said: dict[str, str], described: bool, where: str) -> None:
    if (table == "") != (kind == "query"):
        raise ValueError(
            f"{where}: `-- {kind}: TABLE` names the table of a step or fragment; a query has none"
        )
    if not described:
        raise ValueError(f"{where}: the header says what a row is")
    if "inputs" in said:
        raise ValueError(f"{where}: `inputs` follow from the SELECT; remove the line")
    if kind == "step" and said.get("store", "").split(" ")[0] not in STORES:
        raise ValueError(f"{where}: a step says `-- store:`, one of {', '.join(STORES)}")
    if kind != "step" and "store" in said:
        raise ValueError(f"{where}: only a step is stored; remove the line `store`")


def _reason(dialect: str | None, where: str) -> str | None:
    if dialect is None:
        return None
    name, _, reason = dialect.partition(",")
    if name != "duckdb" or not reason.strip():
        raise ValueError(f"{where}: expected `-- dialect: duckdb, REASON`, not {dialect!r}")
    return reason.strip()
