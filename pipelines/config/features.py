"""Which features a project adds to the standard ones: `features:` in project.yaml."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pipelines.contracts.registry import FACTS

Family = Literal[
    "lifecycle",
    "rfm",
    "value",
    "behaviour",
    "engagement",
    "product",
    "demographic",
    "geographic",
    "language",
    "technographic",
    "needs",
    "feedback",
    "reachability",
    "firmographic",
    "pipeline",
    "members",
    "attribute",
    "custom",
]
FAMILIES: tuple[str, ...] = get_args(Family)
Aggregate = Literal["count", "sum", "avg", "min", "max", "count_distinct", "latest"]
# Kinds of feedback whose latest score is a feature.
Scored = Literal["nps", "csat"]
Days = Annotated[str, Field(pattern=r"^[1-9]\d{0,4}d$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


def _facts(table: str) -> str:
    if table not in FACTS:
        raise ValueError(f"expected one of {', '.join(FACTS)}")
    return table


FactTable = Annotated[str, AfterValidator(_facts)]


# What a setting says of itself: the canonical table without which it gives no feature.
_NEEDS = "needs_table"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Scale(_Section):
    """A scale of a survey: the mean of its questions, from 0 to 1."""

    questions: list[str] = Field(min_length=1, description="ids of its questions")
    reverse: list[str] = Field(
        default_factory=list, description="those of which a high score means little of what is measured"
    )

    @model_validator(mode="after")
    def _reversed_are_asked(self) -> Scale:
        unknown = sorted(set(self.reverse) - set(self.questions))
        if unknown:
            raise ValueError(f"reverse names {', '.join(unknown)}, which is not among the questions")
        return self


class Point(_Section):
    """A place on the map, in degrees."""

    name: str = Field(min_length=1, description="what is there, for the catalogue")
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class CustomFeature(_Section):
    """A feature of the project's own: one aggregate over the events of a customer or an account."""

    name: Name
    source: FactTable = Field(alias="from", description="the table of facts")
    aggregate: Aggregate
    of: str | None = Field(default=None, description="SQL expression over the columns of an event")
    where: str | None = Field(default=None, description="SQL condition: the events that count")
    window: str = Field(
        default="ever", pattern=r"^([1-9]\d{0,3}d|ever)$", description="90d: the day and the 89 before it"
    )
    entity: Literal["customer", "account"] = "customer"
    type: Literal["number", "money", "text", "date", "flag"] | None = Field(
        default=None, description="of min, max and latest, where `of` is more than a column"
    )
    family: Family = "custom"
    unit: str = ""
    meaning: str = Field(min_length=1)

    @property
    def days(self) -> int | None:
        """Length of the window; None for ever."""
        return None if self.window == "ever" else int(self.window[:-1])

    @model_validator(mode="after")
    def _fits(self) -> CustomFeature:
        if self.aggregate == "count" and self.of is not None:
            raise ValueError("count counts events and takes no `of`; count_distinct counts values")
        if self.aggregate != "count" and self.of is None:
            raise ValueError(f"{self.aggregate} needs `of`, an expression over the columns of an event")
        if self.type is not None and self.aggregate not in ("min", "max", "latest"):
            raise ValueError(f"the type of {self.aggregate} is known; type is for min, max and latest")
        if self.entity == "customer" and not FACTS[self.source].of_customers:
            raise ValueError(f"{self.source} belong to accounts; write entity: account")
        return self


class Features(_Section):
    """Which features to compute beyond the standard ones."""

    category_shares: list[str] = Field(
        default_factory=list, max_length=40, description="categories whose share of revenue becomes a feature"
    )
    channel_shares: list[str] = Field(
        default_factory=list, max_length=20, description="channels whose share of orders becomes a feature"
    )
    product_breadth: bool = Field(
        default=False, description="count the different products bought; reads a year of lines every day"
    )
    scales: dict[Name, Scale] = Field(
        default_factory=dict,
        description="scales of surveys, by name",
        json_schema_extra={_NEEDS: "survey_answers"},
    )
    questions: list[str] = Field(
        default_factory=list,
        max_length=40,
        description="questions whose latest answer becomes a feature",
        json_schema_extra={_NEEDS: "survey_answers"},
    )
    distance_from: Point | None = Field(
        default=None,
        description="distance_km is measured from here, by attributes latitude and longitude",
        json_schema_extra={_NEEDS: "customers"},
    )
    pipeline_stages: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="stages whose open value becomes a feature of accounts",
        json_schema_extra={_NEEDS: "opportunities"},
    )
    consent_purposes: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="further purposes of consents, whose reach becomes features of customers and accounts",
        json_schema_extra={_NEEDS: "consents"},
    )
    scores_expire_after: dict[Scored, Days] = Field(
        default_factory=dict,
        description="kind of feedback -> age after which its latest score counts as unknown",
        json_schema_extra={_NEEDS: "feedback"},
    )
    families: dict[str, Family] = Field(
        default_factory=dict,
        description="family of an attribute in the catalogue, where the name does not say",
    )
    custom: list[CustomFeature] = Field(default_factory=list, description="features of the project's own")

    @property
    def scores_expire_days(self) -> dict[str, int]:
        """Kind of feedback -> the greatest age in days at which its latest score counts."""
        return {kind: int(after[:-1]) for kind, after in self.scores_expire_after.items()}

    def tables(self) -> dict[str, str]:
        """Canonical table -> the setting that needs it."""
        found: dict[str, str] = {}
        for index, feature in enumerate(self.custom):
            found.setdefault(feature.source, f"features.custom.{index}")
            if feature.entity == "account":
                found.setdefault("accounts", f"features.custom.{index}")
        for setting, described in type(self).model_fields.items():
            extra = described.json_schema_extra
            if isinstance(extra, dict) and getattr(self, setting):
                found.setdefault(str(extra[_NEEDS]), f"features.{setting}")
        return found
