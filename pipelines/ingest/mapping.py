"""From a source's columns to a canonical table's: the typed SELECT, with the fault of every row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from pipelines.config.attributes import AttributeType
from pipelines.config.delivery import Delivery
from pipelines.config.expression import columns_in, parse_scalar, to_sql
from pipelines.config.project import Source
from pipelines.config.yaml import nearest
from pipelines.contracts.model import Column, Contract
from pipelines.contracts.registry import CONTRACTS
from pipelines.engine import Statement, Table, literal, load_query, qualified, quote
from pipelines.errors import ConfigError
from pipelines.ingest import declared, further, guests, keys, limits, said
from pipelines.ingest.decimals import is_ambiguous, says_comma, says_point, to_number
from pipelines.ingest.ragged import COLUMN as RAGGED
from pipelines.ingest.text import as_finite_instant, as_instant, as_text

META = ("_file_id", "_row", RAGGED)
# The decimal marks of no file at all.
_NO_MARKS = "select 0 as _file_id, '' as _decimal where false"
# What stands around a value and says nothing: spaces of every width, tabs, line ends.
_BLANKS = literal(" \t\n\r\v\f\u00a0\u2007\u202f\u3000")
_NUMBERS = ", ".join(
    literal(kind)
    for kind in (
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "FLOAT",
        "DOUBLE",
    )
)


@dataclass(frozen=True)
class Mapping:
    """One source mapped to one canonical table, parsed against the source's columns."""

    source: str
    contract: Contract
    expressions: dict[str, exp.Expr]
    attributes: tuple[str, ...]
    # The source's columns of text, lower case, and the decimal mark it states for numbers in them.
    texts: frozenset[str] = frozenset()
    decimal: str | None = None
    delivery: Delivery = "append"
    version: exp.Expr | None = None
    operation: exp.Expr | None = None
    deletes: tuple[str, ...] = ()
    guest: exp.Expr | None = None
    wordy: frozenset[str] = frozenset()  # the attributes that are text
    ragged: bool = False  # whether lines of the source were ever set apart
    max_bad_share: float = 1.0  # share of rows with a fault above which a batch is rejected
    prefixes: tuple[tuple[str, str], ...] = ()  # column -> what stands before its values
    same: bool = False  # whether keys that other sources have too are the same things
    types: tuple[tuple[str, AttributeType], ...] = ()  # attribute -> the type the project declares

    @property
    def read(self) -> dict[str, exp.Expr]:
        """Every expression over the source's columns, by the setting or column it stands under."""
        further = {"version": self.version, "operation": self.operation, "guest_key": self.guest}
        return self.expressions | {name: tree for name, tree in further.items() if tree is not None}

    @property
    def judged(self) -> str:
        """The table whose rows are judged: the stage, or of a change feed its rows that delete nothing."""
        return self.stage if self.operation is None else f"{self.stage}__kept"

    @property
    def stage(self) -> str:
        return f"stage.{self.source}__{self.contract.table}"

    @property
    def mapped(self) -> set[str]:
        return set(self.expressions)

    @property
    def numbered(self) -> str | None:
        """The column that tells rows apart which are alike, where the mapping does not fill it."""
        name = self.contract.occurrence
        return name if name is not None and name not in self.expressions else None

    @property
    def columns(self) -> list[str]:
        """The columns of the canonical table this mapping fills, in order."""
        return [*self.contract.stored, *self.attributes]

    @property
    def declared(self) -> tuple[Column, ...]:
        """The attributes whose type is declared, as columns of that type."""
        return declared.columns_of(dict(self.types), self.attributes)

    @property
    def marked(self) -> list[Column]:
        """The columns of numbers that read a column of text as it is: their decimal mark is looked for."""
        numbers = [column for column in self.contract.columns if column.type.startswith("DECIMAL")]
        numbers += [column for column in self.declared if column.type in declared.NUMBERS]
        return [column for column in numbers if self._reads_text(column.name)]

    def _reads_text(self, name: str) -> bool:
        """Whether a column is a column of text of the source as it stands."""
        tree = self.expressions.get(name)
        if tree is None:
            return name in self.attributes and name.lower() in self.texts
        return isinstance(tree, exp.Column) and tree.name.lower() in self.texts


def contract_of(table: str, where: str) -> Contract:
    """The contract of a canonical table, or a fault that names the nearest ones.

    Raises
    ------
    ConfigError
        When there is no canonical table of this name.
    """
    if table not in CONTRACTS:
        raise ConfigError(
            f"{where}: {table} is not a canonical table{nearest(table, CONTRACTS)}"
            f" (known: {', '.join(CONTRACTS)})"
        )
    return CONTRACTS[table]


def parse_mapping(name: str, source: Source, table: str, source_columns: list[str]) -> Mapping:
    """Check one mapping against the columns that the source's files really have.

    Parameters
    ----------
    name : the source's name in `project.yaml`.
    table : the canonical table.
    source_columns : the columns of the files.

    Raises
    ------
    ConfigError
        For an unknown table or column, a required column without mapping, or anything but a scalar.
    """
    where = source.place(name, "tables", table)
    contract = contract_of(table, where)
    written = source.tables[table]
    known = [column for column in source_columns if column not in META]
    expressions: dict[str, exp.Expr] = {}
    for column, text in written.items():
        at = source.place(name, "tables", table, column)
        if contract.column(column) is None:
            further.refuse(contract, column, written, at)
        expressions[column] = parse_scalar(text, known, at)
    keys.refuse_missing(contract, source, where)
    settings = {
        setting: parse_scalar(text, known, source.place(name, setting))
        for setting, text in source.delivery_expressions.items()
        if setting != "guest_key" or table == "orders"
    }
    if "guest_key" in settings:
        guests.salt()  # told before anything is loaded
    return Mapping(
        name,
        contract,
        expressions,
        _attributes(contract, expressions, settings, _carried(source, known), where),
        delivery=source.delivery,
        version=settings.get("version"),
        operation=settings.get("operation"),
        deletes=tuple(source.operation.delete) if source.operation else (),
        guest=settings.get("guest_key"),
        max_bad_share=source.fail_share,
        prefixes=keys.prefixes(contract, source),
        same=keys.is_shared(contract, source),
        types=tuple(source.declared(table).items()) if contract.attributes else (),
    )


def _carried(source: Source, known: list[str]) -> list[str]:
    """The source's columns without those that it leaves out."""
    left_out = {name.lower() for name in source.leave_out}
    return [name for name in known if name.lower() not in left_out]


def _attributes(
    contract: Contract,
    expressions: dict[str, exp.Expr],
    settings: dict[str, exp.Expr],
    known: list[str],
    where: str,
) -> tuple[str, ...]:
    """Columns beyond the contract: those mapped by name and, of some tables, every one that is not read."""
    if not contract.attributes:
        return ()
    trees = [*expressions.values(), *settings.values()]
    read = {name.lower() for tree in trees for name in columns_in(tree)}
    extra = [name for name in expressions if contract.column(name) is None]
    if not contract.carries_all:
        return tuple(extra)
    named = {name.lower() for name in extra}
    passed = [name for name in known if name.lower() not in read | named]
    clash = sorted(name for name in passed if name.lower() in contract.names)
    if clash:
        raise ConfigError(f"{where}: source columns {', '.join(clash)} need a mapping of their own")
    return (*extra, *passed)


def fingerprint(mapping: Mapping) -> str:
    """Changes when what the core table would hold from the same raw rows changes."""
    parts = {name: to_sql(tree) for name, tree in sorted(mapping.expressions.items())}
    salted = [guests.mark()] if mapping.guest is not None else []
    text = json.dumps(
        [
            *(parts, mapping.attributes, repr(mapping.contract), typed_select(mapping), mapping.delivery),
            *(mapping.same, *salted),
        ],
        sort_keys=True,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def typed_select(mapping: Mapping) -> str:
    """The SELECT that types a source's raw rows of the files in `$files`.

    Its columns are `_batch_seq, _file_id, _row`, the canonical columns, attributes, `_row_version` and
    `_row_deleted` where the source has them, `_row_filled` (how many columns the row fills), then
    `_fault_reason` and `_fault_column` (NULL for a good row): the first fault in the order of the contract.
    `$guest_salt` is read where guests are keyed.
    """
    contract, marked = mapping.contract, mapping.marked
    # What is made of other columns comes after them.
    ordered = sorted(contract.columns, key=lambda column: column.otherwise is not None)
    typed = {column.name: _typed(column, mapping, marked) for column in ordered}
    for column in mapping.declared:
        given = quote("given " + column.name)
        typed[column.name] = declared.typed(column, given, "_decimal" if column in marked else None)
    order = _order_columns(mapping)
    judged = {
        **{column.name: column.sql for column in contract.derived},
        "_row_filled": said.filled(mapping),
        "_fault": _fault_case(mapping, marked),
    }
    return load_query("ingest/queries/typed_row").filled(
        given=_statements(_given_columns(mapping)),
        raw=Table(f"raw.{mapping.source}"),
        mark_of_file=Statement(marks_select(mapping) or _NO_MARKS),
        typed=_statements(typed | order),
        judged=_statements(judged),
        columns=keys.numbered(mapping, [*mapping.columns, *order, "_row_filled"]),
    )


def _given_columns(mapping: Mapping) -> dict[str, str]:
    """What the mapping's expressions give, before it is typed: canonical columns, settings and attributes."""
    columns = {f"given {column.name}": _given(mapping, column) for column in mapping.contract.columns}
    settings = {
        f"given {name}": to_sql(tree)
        for name, tree in mapping.read.items()
        if name not in mapping.expressions
    }
    declared_names = {column.name for column in mapping.declared}
    attributes = {
        f"given {name}" if name in declared_names else name: _trimmed(mapping, name)
        for name in mapping.attributes
    }
    apart = {RAGGED: RAGGED} if mapping.ragged else {}
    return columns | settings | attributes | apart


def _trimmed(mapping: Mapping, attribute: str) -> str:
    """What gives an attribute; of a text without the blanks around it, and of blanks alone nothing."""
    tree = mapping.expressions.get(attribute)
    given = to_sql(tree) if tree is not None else quote(attribute)
    return f"nullif(trim({given}, {_BLANKS}), '')" if attribute in mapping.wordy else given


def _statements(columns: dict[str, str]) -> dict[str, Statement]:
    return {name: Statement(sql) for name, sql in columns.items()}


def marks_select(mapping: Mapping) -> str:
    """The SELECT of the decimal mark of each CSV file in `$files`: `_file_id, _decimal`.

    Empty where no column needs it. The mark is stated, or the only one that the file's numbers leave
    possible; else it is an empty text.
    """
    if not mapping.marked:
        return ""
    csv = (
        "select file_id from ingest.file_dialect where format = 'csv' and file_id in (select unnest($files))"
    )
    if mapping.decimal:
        return f"select file_id as _file_id, {literal(mapping.decimal)} as _decimal from ({csv})"
    raw = qualified("raw." + mapping.source)
    texts = " union ".join(
        f"select _file_id, trim({_given(mapping, column)}) as v from {raw} where _file_id in ({csv})"
        for column in mapping.marked
    )
    comma, point = f"bool_or({says_comma('v')})", f"bool_or({says_point('v')})"
    mark = f"case when {comma} and not {point} then ',' when {point} and not {comma} then '.' else '' end"
    return f"select _file_id, {mark} as _decimal from ({texts}) group by _file_id"


def _given(mapping: Mapping, column: Column) -> str:
    tree = mapping.expressions.get(column.name)
    if tree is None and column.name in mapping.attributes:
        return quote(column.name)
    return to_sql(tree) if tree is not None else column.default


def _order_columns(mapping: Mapping) -> dict[str, str]:
    """What says which row of a key counts: its version as a number, and whether it deletes the key.

    A version is a number or an instant (in microseconds); text is read as an instant.
    """
    columns = {}
    if mapping.version is not None:
        given = quote("given version")
        text = f"cast({given} as varchar)"
        columns["_row_version"] = (
            f"cast(case when typeof({given}) in ({_NUMBERS}) or typeof({given}) like 'DECIMAL%'"
            f" then try_cast({text} as decimal(38, 9))"
            f" else epoch_us({as_instant(text)}) end as decimal(38, 9))"
        )
    if mapping.operation is not None:
        listed = ", ".join(literal(value) for value in mapping.deletes)
        given = quote("given operation")
        columns["_row_deleted"] = f"coalesce(trim(cast({given} as varchar)) in ({listed}), false)"
    return columns


def _typed(column: Column, mapping: Mapping, marked: Sequence[Column]) -> str:
    given = quote("given " + column.name)
    if column.type == "VARCHAR":
        text = as_text(given)
        said = f"nullif({text}, '')"
        if column.otherwise is not None:
            said = f"coalesce({said}, {column.otherwise})"
        said_id = keys.prefixed(mapping, column.name, said)
        if column.name == "customer_id" and mapping.guest is not None:
            return f"coalesce({said_id}, {guests.KEY})"
        defaulted = column.required and column.default != "null"
        return f"coalesce({said_id}, {column.default})" if defaulted else said_id
    if column in marked:
        return to_number(f"trim({given})", column.type)
    if column.type == "TIMESTAMPTZ":
        return as_finite_instant(given)
    return f"try_cast({given} as {column.type})"


def _fault_case(mapping: Mapping, marked: Sequence[Column]) -> str:
    """The first fault of a row. One that deletes may hold its key and nothing else."""
    columns, contract = mapping.contract.columns, mapping.contract
    branches = [
        *([f"when {RAGGED} is not null then 'ragged|'"] if mapping.ragged else []),
        *(
            fault
            for c in columns
            if not _is_open(c, mapping)
            for fault in _column_faults(c, contract, marked)
        ),
        *_version_fault(mapping),
    ]
    if mapping.operation is not None:
        # What a deletion is of has to be said: by the columns of the key, or by what these are made of.
        branches += [
            f"when _row_deleted and {quote(c.name)} is null then {limits.told('missing', c)}"
            for c in columns
            if c.otherwise is not None
        ]
        branches.append(f"when _row_deleted{_names_one(contract)} then null")
    branches += [
        fault for c in columns if _is_open(c, mapping) for fault in _column_faults(c, contract, marked)
    ]
    branches += _owner_fault(contract)
    return f"case {' '.join(branches)} end"


def _column_faults(column: Column, contract: Contract, marked: Sequence[Column]) -> list[str]:
    branches = []
    name, given = quote(column.name), quote("given " + column.name)
    if column.type != "VARCHAR":
        blank = f"trim(cast({given} as varchar)) = ''"
        unread = f"{name} is null and {given} is not null and not {blank}"
        if column in marked:
            text = f"trim({given})"
            # A number of the other mark, where the file holds both, contradicts the rest.
            either = f"_decimal = '' and ({is_ambiguous(text)} or {says_comma(text)})"
            branches.append(f"when {unread} and {either} then {limits.told('ambiguous_number', column)}")
        branches.append(f"when {unread} then {limits.told(f'not_{_family(column)}', column)}")
    if column.required and column.name != contract.occurrence and column.otherwise is None:
        branches.append(f"when {name} is null then {limits.told('missing', column)}")
    if column.minimum is not None:
        branches.append(f"when {name} < {column.minimum} then {limits.told('below_minimum', column)}")
    if column.maximum is not None:
        branches.append(f"when {name} > {column.maximum} then {limits.told('above_maximum', column)}")
    branches += limits.faults(column, contract)
    if column.allowed:
        listed = ", ".join(literal(value) for value in column.allowed)
        branches.append(f"when {name} not in ({listed}) then {limits.told('not_allowed', column)}")
    return branches


def _is_open(column: Column, mapping: Mapping) -> bool:
    """Whether a row that deletes may leave this column empty."""
    return mapping.operation is not None and column.name not in mapping.contract.told_by


def _owner_fault(contract: Contract) -> list[str]:
    """The fault of a row that fills none of the columns of which it fills one."""
    if not contract.one_of:
        return []
    named = literal(f"missing|{' or '.join(contract.one_of)}")
    return [f"when coalesce({', '.join(map(quote, contract.one_of))}) is null then {named}"]


def _names_one(contract: Contract) -> str:
    """The further condition on a deletion: it names its owner, where the key is made of that."""
    if not {*contract.one_of} & {*contract.told_by}:
        return ""
    return f" and coalesce({', '.join(map(quote, contract.one_of))}) is not null"


def _version_fault(mapping: Mapping) -> list[str]:
    if mapping.version is None:
        return []
    given = quote("given version")
    return [
        f"when _row_version is null then case when {given} is null then 'missing' else 'not_version' end"
        " || '|version'"
    ]


def _family(column: Column) -> str:
    """`number`, `date` or `timestamp`: the word in the reason code."""
    if column.type.startswith(("DECIMAL", "BIGINT", "DOUBLE")):
        return "number"
    return {"DATE": "date", "TIMESTAMPTZ": "timestamp", "BOOLEAN": "boolean"}[column.type]
