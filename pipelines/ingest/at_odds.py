"""Rows of one key and batch that say otherwise than the one that counts, as a SELECT over a stage."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.contracts.telling import decisive
from pipelines.engine import Statement, Table, literal, load_query, quote
from pipelines.ingest import said
from pipelines.ingest.mapping import Mapping

_LAST_FILE = "_file_id = (select max(f.file_id) from ingest.file as f where f.batch_seq = _batch_seq)"


def standing(mapping: Mapping) -> Statement:
    """Whether a row of a batch can count at all, as SQL.

    Of several snapshots only the last is read, and of what comes together only the file that says the latest.
    """
    if mapping.delivery == "snapshot":
        return Statement(_LAST_FILE)
    if not mapping.contract.together:
        return Statement("true")
    whole = ", ".join(["_batch_seq", *map(quote, mapping.contract.together)])
    order = "_file_id desc" if mapping.version is None else "_row_version desc nulls last, _file_id desc"
    return Statement(
        f"_file_id = first_value(_file_id) over"
        f" (partition by {whole} order by _fault_reason is not null, {order})"
    )


def rows_at_odds(mapping: Mapping) -> Statement:
    """The SELECT of the good rows of a stage that say otherwise than the row of their key that counts."""
    columns = said.content(mapping)
    ordered = mapping.operation is not None
    query = load_query("ingest/queries/row_at_odds").filled(
        stage=Table(mapping.stage),
        key=mapping.contract.key,
        content=[*mapping.contract.key, *columns],
        standing=standing(mapping),
        version=Statement("_row_version" if mapping.version is not None else "cast(null as decimal(38, 9))"),
        deletes=Statement("_row_deleted" if ordered else "false"),
        ordered=Statement(str(ordered).lower()),
        lacking=_names_where(columns, [_lacks(mapping, name) for name in columns]),
        differing=_names_where(columns, [_differs(mapping, name) for name in columns]),
    )
    return Statement(query)


def rows_emptying(mapping: Mapping, earlier: str) -> Statement:
    """The SELECT of a stage's rows that leave blank what earlier batches of the source said of their key.

    Parameters
    ----------
    mapping : the mapping of a source whose rows are no changes and have no version.
    earlier : the relation of what each source said last of each key.
    """
    key = mapping.contract.key
    columns = _decisive(mapping)
    query = load_query("ingest/queries/row_emptying").filled(
        stage=Table(mapping.stage),
        earlier=Table(earlier),
        key=key,
        standing=standing(mapping),
        blank=Statement(may_empty(mapping)),
        same=Statement(" and ".join(f"c.{quote(name)} = r.{quote(name)}" for name in key)),
        lacking=_names_where(
            columns,
            [f"{said.says(mapping, n, 'c')} and not ({said.says(mapping, n, 'r')})" for n in columns],
        ),
    )
    return Statement(query)


def may_empty(mapping: Mapping) -> str:
    """Whether a row leaves a column blank that says whose it is, when it was or how much, as SQL."""
    return " or ".join(f"not ({said.says(mapping, name)})" for name in _decisive(mapping))


def _decisive(mapping: Mapping) -> list[str]:
    return [name for name in said.content(mapping) if name in decisive(mapping.contract)]


def _lacks(mapping: Mapping, name: str) -> str:
    return f"{said.says(mapping, name, 'r')} and not ({said.says(mapping, name, 'c')})"


def _differs(mapping: Mapping, name: str) -> str:
    both = f"{said.says(mapping, name, 'r')} and {said.says(mapping, name, 'c')}"
    return f"{both} and r.{quote(name)} <> c.{quote(name)}"


def _names_where(columns: Sequence[str], conditions: Sequence[str]) -> Statement:
    """The list of the columns for which a condition holds, NULL for the others."""
    cases = (
        f"case when {condition} then {literal(name)} end"
        for name, condition in zip(columns, conditions, strict=True)
    )
    return Statement(f"cast([{', '.join(cases)}] as varchar[])")
