"""The model of `project.yaml`: what a user writes to bring a dataset."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from pipelines.config.attributes import AttributeRule, AttributeType, rules_of, with_days
from pipelines.config.calendar import Calendar
from pipelines.config.connectors import Database, Excel, Http, check_address, scheme_of
from pipelines.config.csv import CsvDialect
from pipelines.config.delivery import Delivery, Operation, delivery_fault
from pipelines.config.drift import DriftLimits
from pipelines.config.features import Features
from pipelines.config.keys import KeyRule, keys_fault
from pipelines.config.merging import merge_fault
from pipelines.config.money import Amounts, Currencies
from pipelines.config.personal import PersonalColumn
from pipelines.config.quality import FaultLimits, VolumeLimits
from pipelines.config.yaml import nearest, place_in
from pipelines.contracts.registry import CONTRACTS

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
# DuckDB takes `raw.csv` for a file where there is no such table yet.
_ENDINGS = frozenset(
    "csv tsv json jsonl ndjson parquet db duckdb ddb xlsx shp gpkg geojson avro fgb".split()  # noqa: SIM905
)

Name = Annotated[str, Field(pattern=_NAME.pattern)]
# What Dagster takes for an owner.
Owner = Annotated[str, Field(pattern=r"^(team:[A-Za-z0-9_-]+|[^@\s]+@[^@\s]+\.[^@\s]+)$")]


class Section(BaseModel):
    """Every section refuses what it does not know: a misspelt setting must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Playback(Section):
    """A file that is an archive, played back: each run lands the rows up to its day."""

    by: str = Field(description="SQL expression over the source's columns: when the row came to be known")


class Freshness(Section):
    """How old the newest event may be, in open days, before the source counts as stale."""

    warn_after_days: int = Field(ge=0)
    fail_after_days: int = Field(ge=0)
    calendar: Calendar = Calendar()

    @model_validator(mode="after")
    def _ordered(self) -> Freshness:
        if self.fail_after_days < self.warn_after_days:
            raise ValueError("fail_after_days must not be smaller than warn_after_days")
        return self


class Source(Section):
    """Rows of one shape, from files, a database or an HTTP interface, mapped to canonical tables."""

    files: str | list[str] | None = Field(
        default=None,
        min_length=1,
        description="path or glob, or a list; package:NAME/PATH; or one address, such as s3://…",
    )
    excel: Excel | None = None
    database: Database | None = None
    http: Http | None = None
    format: Literal["parquet", "csv", "jsonl"] | None = Field(
        default=None, description="read from the file's ending when not given"
    )
    csv: CsvDialect | None = Field(default=None, description="how text files are written, where not sniffed")
    playback: Playback | None = None
    freshness: Freshness | None = None
    amounts: Amounts | None = None
    max_bad_share: float = Field(
        default=0.01, ge=0, le=1, description="share of rows with a fault above which a batch is rejected"
    )
    quality: FaultLimits = FaultLimits()
    volume: VolumeLimits = VolumeLimits()
    delivery: Delivery = Field(
        default="append", description="what a file says: further rows, the full state, or changes"
    )
    operation: Operation | None = None
    version: str | None = Field(
        default=None, description="SQL expression; of the rows of a key, the highest version wins"
    )
    max_deleted_share: float = Field(
        default=0.5, ge=0, le=1, description="share of keys a snapshot may lack before it is rejected"
    )
    keys: dict[str, KeyRule] = Field(
        default_factory=dict, description="canonical table -> whose the keys are that this source gives out"
    )
    guest_key: str | None = Field(
        default=None, description="SQL expression whose salted hash stands for a guest's customer id"
    )
    leave_out: list[str] = Field(
        default_factory=list, description="columns of the files that become no attribute, such as names"
    )
    tables: dict[str, dict[str, str]] = Field(
        min_length=1, description="canonical table -> its column -> SQL expression over the source's columns"
    )
    _written_in: tuple[Path, Any] = PrivateAttr((Path("project.yaml"), None))
    _required: dict[str, list[str]] = PrivateAttr(default_factory=dict)
    _types: dict[str, dict[str, AttributeType]] = PrivateAttr(default_factory=dict)

    def stands_in(self, path: Path, tree: Any) -> None:
        """Remember the file the source was read from, and its tree, so that faults can name its lines."""
        self._written_in = path, tree

    def must_fill(self, table: str, attributes: list[str]) -> None:
        """Remember the attributes of a table that the project requires of each of its sources."""
        self._required[table] = attributes

    def required(self, table: str) -> list[str]:
        """The attributes of a table without which a batch is rejected."""
        return self._required.get(table, [])

    def declare(self, table: str, types: dict[str, AttributeType]) -> None:
        """Remember the types that the project declares for attributes of a table."""
        self._types[table] = types

    def declared(self, table: str) -> dict[str, AttributeType]:
        """Attribute of a table -> the type that its values are read as; others are as the files have them."""
        return self._types.get(table, {})

    def place(self, name: str, *parts: str) -> str:
        """Where a setting of the source stands: `project.yaml:31: sources.NAME.tables.orders`."""
        path, tree = self._written_in
        return place_in(path, tree, ("sources", name, *parts))

    @field_validator("files")
    @classmethod
    def _addresses(cls, files: str | list[str] | None) -> str | list[str] | None:
        patterns = [files] if isinstance(files, str) else files or []
        for pattern in patterns:
            check_address(pattern)
        if len(patterns) > 1 and any(map(scheme_of, patterns)):
            raise ValueError("an address stands alone; make a source of each, or one glob")
        return files

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        given = [name for name in ("files", "database", "http") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"expected exactly one of files, database and http, found {found}")
        refused = [name for name in ("excel", "csv", "format", "playback") if getattr(self, name) is not None]
        if self.files is None and refused:
            raise ValueError(f"{refused[0]} is for files; what a {given[0]} source lands is Parquet")
        if self.excel is not None and self.format is not None:
            raise ValueError("format is not for workbooks")
        return self

    @field_validator("tables", mode="before")
    @classmethod
    def _expressions_are_text(cls, tables: object) -> object:
        """`line_id: 1` is an expression too, though YAML reads a number."""
        if not isinstance(tables, dict):
            return tables
        return {
            table: {column: _as_text(value) for column, value in mapping.items()}
            if isinstance(mapping, dict)
            else mapping
            for table, mapping in tables.items()
        }

    @model_validator(mode="after")
    def _one_share_of_faults(self) -> Source:
        fail, warn = self.quality.fail_share, self.quality.warn_share
        if fail is not None and "max_bad_share" in self.model_fields_set:
            raise ValueError("max_bad_share and quality.fail_share say the same; write one of them")
        if warn is not None and warn > self.fail_share:
            raise ValueError(
                f"quality.warn_share ({warn}) must not be larger than the share that rejects a batch"
                f" ({self.fail_share})"
            )
        return self

    @property
    def fail_share(self) -> float:
        """Share of rows with a fault above which a batch is rejected."""
        return self.max_bad_share if self.quality.fail_share is None else self.quality.fail_share

    @model_validator(mode="after")
    def _dialect_of_text_only(self) -> Source:
        if self.csv is not None and self.format not in (None, "csv"):
            raise ValueError(f"csv says how CSV files are written, and format is {self.format}")
        return self

    @property
    def patterns(self) -> tuple[str, ...]:
        """The paths and globs of `files`, in the order written; none of a database or an HTTP interface."""
        if self.files is None:
            return ()
        return (self.files,) if isinstance(self.files, str) else tuple(self.files)

    @model_validator(mode="after")
    def _delivery_fits(self) -> Source:
        fault = delivery_fault(self.delivery, self.operation, self.version, self.playback is not None)
        if fault is None and self.guest_key is not None and "orders" not in self.tables:
            fault = "guest_key is for orders; this source does not map orders"
        fault = fault or keys_fault(self.keys, self.tables)
        if fault is not None:
            raise ValueError(fault)
        return self

    @property
    def delivery_expressions(self) -> dict[str, str]:
        """Setting -> SQL expression, of those that say how rows follow each other and who guests are."""
        written = {
            "operation": self.operation.column if self.operation else None,
            "version": self.version,
            "guest_key": self.guest_key,
        }
        return {setting: text for setting, text in written.items() if text is not None}


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value


class Costs(Section):
    """What reaching a customer costs, in the project's currency."""

    contact: Decimal = Field(default=Decimal(0), ge=0, description="cost of one campaign contact")


class Alerts(Section):
    """Where alerts go. Addresses hold secrets, so they stand in environment variables."""

    addresses_from: list[str] = Field(default_factory=lambda: ["LOHKO_ALERT_URLS"])


class Schedule(Section):
    """When the daily run starts, in the project's time zone."""

    at: str = Field(default="05:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")

    @property
    def hour(self) -> int:
        return int(self.at[:2])

    @property
    def minute(self) -> int:
        return int(self.at[3:])


class Publish(Section):
    """How many published runs are kept, and what becomes of what depends on a held or stale source."""

    keep_runs: int = Field(default=7, ge=1)
    when_stale: Literal["hold", "publish"] = Field(
        default="hold", description="hold: it stays as last published; publish: it goes out, and says how old"
    )


class Retention(Section):
    """How long Dagster's history of runs is kept."""

    runs_days: int = Field(
        default=90, ge=1, description="days for which runs and their events are kept in .lohko/dagster"
    )


class Roi(Section):
    """How far back ROI is computed."""

    months: int = Field(default=13, ge=1, le=60, description="months of ROI and of replayed history")


class ProjectConfig(Section):
    """The whole of `project.yaml`."""

    project: str = Field(min_length=1, description="the project's name, shown in the report and in alerts")
    timezone: str = Field(description="IANA name; a business day ends at midnight there")
    currency: str = Field(description="ISO 4217 code")
    today: date | None = Field(default=None, description="a fixed today, for demonstrations and tests")
    first_day: date | None = Field(default=None, description="the first day to record")
    margin_rate: float | None = Field(
        default=None, ge=0, le=1, description="margin as a share of net revenue"
    )
    costs: Costs = Costs()
    features: Features = Features()
    roi: Roi = Roi()
    drift: DriftLimits = DriftLimits()
    currencies: Currencies = Currencies()
    attributes: dict[str, AttributeRule] = Field(
        default_factory=dict, description="type, age, origin and expiry of attributes, by name"
    )
    personal: dict[str, PersonalColumn] = Field(
        default_factory=dict, description="attributes that are personal, or only look so, by name"
    )
    alerts: Alerts = Alerts()
    schedule: Schedule = Schedule()
    publish: Publish = Publish()
    retention: Retention = Retention()
    owners: list[Owner] = Field(
        default_factory=list, description="who owns the project's assets in Dagster: team:NAME or an address"
    )
    merge: dict[str, list[str]] = Field(
        default_factory=dict,
        description="canonical table, or TABLE.COLUMN -> the sources whose values come first",
    )
    sources: dict[Name, Source] = Field(min_length=1)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"no such time zone{nearest(zone, available_timezones())}")
        return zone

    @field_validator("currency", mode="before")
    @classmethod
    def _currency_is_a_code(cls, currency: object) -> object:
        if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
            raise ValueError("expected an ISO 4217 code of three capital letters, such as EUR")
        return currency

    @field_validator("sources")
    @classmethod
    def _names_are_no_files(cls, sources: dict[str, Source]) -> dict[str, Source]:
        if taken := sorted(_ENDINGS & set(sources)):
            raise ValueError(f"{taken[0]} is how a file ends; name the source after what it brings")
        return sources

    @field_validator("sources")
    @classmethod
    def _orders_are_mapped(cls, sources: dict[str, Source]) -> dict[str, Source]:
        if not any("orders" in source.tables for source in sources.values()):
            raise ValueError("no source maps the table orders; segments need orders")
        return sources

    @field_validator("sources")
    @classmethod
    def _versions_can_be_compared(cls, sources: dict[str, Source]) -> dict[str, Source]:
        """A row with a version and one without cannot be put in order, where one of them counts whole."""
        tables = {table for source in sources.values() for table in source.tables}
        for table in sorted(tables & {name for name, one in CONTRACTS.items() if one.is_whole}):
            feeding = {name: source.version for name, source in sources.items() if table in source.tables}
            without = sorted(name for name, version in feeding.items() if version is None)
            if without and len(without) < len(feeding):
                raise ValueError(
                    f"{table} is fed by sources with a version and by {', '.join(without)} without;"
                    " give each of its sources a version, or none"
                )
        return sources

    @model_validator(mode="after")
    def _features_have_their_tables(self) -> ProjectConfig:
        for table, setting in self.features.tables().items():
            if table not in self.mapped_tables():
                raise ValueError(f"{setting} needs the table {table}, and no source maps it")
        customers = [source.tables.get("customers", {}) for source in self.sources.values()]
        located = {"latitude", "longitude"} <= {name.lower() for columns in customers for name in columns}
        if self.features.distance_from is not None and not located:
            raise ValueError(
                "features.distance_from needs customers with the attributes latitude and longitude"
            )
        return self

    @model_validator(mode="after")
    def _merge_names_what_is_there(self) -> ProjectConfig:
        keys = {name: source.keys for name, source in self.sources.items()}
        if fault := merge_fault(self.merge, self.mapped_tables(), keys, self.mapped_columns()):
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _sources_know_the_rules_of_attributes(self) -> ProjectConfig:
        for table, sources in self.mapped_tables().items():
            rules = rules_of(self.attributes, table)
            required = [name for name, rule in rules.items() if rule.required]
            types = {name: rule.type for name, rule in rules.items() if rule.type is not None}
            for source in sources:
                self.sources[source].must_fill(table, required)
                self.sources[source].declare(table, types)
        return self

    @property
    def rules(self) -> dict[str, AttributeRule]:
        """What is known about attributes: what the project says, and days of values that it maps."""
        return with_days(self.attributes, self.mapped_columns())

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def mapped_columns(self) -> dict[str, set[str]]:
        """Canonical table -> the columns that some source maps."""
        return {
            table: set().union(*(self.sources[source].tables[table] for source in sources))
            for table, sources in self.mapped_tables().items()
        }

    def mapped_tables(self) -> dict[str, list[str]]:
        """Canonical table -> the sources that feed it, in the order written."""
        found: dict[str, list[str]] = {}
        for name, source in self.sources.items():
            for table in source.tables:
                found.setdefault(table, []).append(name)
        return found
