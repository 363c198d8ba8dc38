"""The models of `segments/*.yaml`: how a segmentation is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, RootModel, field_validator, model_validator

from pipelines.config.project import Name, Section
from pipelines.config.segment_tests import SegmentTests

Entity = Literal["customer", "account"]


class Labelled(Section):
    """What has an id, on which the history hangs, and a name that may change."""

    id: Name
    name: str = Field(min_length=1)
    description: str = ""
    reuse: bool = Field(default=False, description="go on with the history of a segment that was removed")


class Remainder(Labelled):
    """Where members go that no other segment takes."""


class Segment(Labelled):
    """One segment of a segmentation and the condition that puts a member in it."""

    when: str = Field(description="a condition over the feature catalogue (or over the scores)")
    exit: str | None = Field(
        default=None, description="a condition: who is in the segment stays until it holds"
    )
    dwell_days: int = Field(default=0, ge=0, le=3650, description="who has entered stays so many days")


class Audience(Segment):
    """One of several groups that may overlap."""

    exclude: str | None = Field(
        default=None, description="a condition: who is taken out although `when` holds"
    )
    priority: int = Field(default=0, description="where `at_most` is reached, the highest stay")


class Score(Section):
    """A score from 1 upwards: by quantile into `bins`, or by fixed cut points; equal values, equal scores."""

    feature: str
    better: Literal["high", "low"] = "high"
    bins: int = Field(default=5, ge=2, le=20)
    cuts: list[Decimal] | None = Field(
        default=None, min_length=1, max_length=100, description="rising; score 1 + number of cuts reached"
    )

    @field_validator("cuts")
    @classmethod
    def _rising(cls, cuts: list[Decimal] | None) -> list[Decimal] | None:
        if cuts is not None and cuts != sorted(set(cuts)):
            raise ValueError("the cut points must rise")
        if any(abs(cut) >= 10**15 for cut in cuts or ()):
            raise ValueError("a cut point must lie between -10^15 and 10^15")
        return cuts

    @model_validator(mode="after")
    def _one_way(self) -> Score:
        if self.cuts is not None and "bins" in self.model_fields_set:
            raise ValueError(
                "bins and cuts exclude each other; cut points alone say how many scores there are"
            )
        return self


class Tier(Labelled):
    """A tier of members in descending order of value, up to a share of the total."""

    until: float = Field(gt=0, le=1, description="cumulative share of the total value where the tier ends")


class Group(Labelled):
    """Several combinations under one id; `*` stands for any segment in its place."""

    of: list[list[str]] = Field(min_length=1, description="combinations, each a list of segment ids")


class ListFile(Labelled):
    """A segment whose members are listed in a CSV file of the project's folder."""

    file: str = Field(min_length=1, description="path within the project's folder")
    column: str | None = Field(default=None, description="default: customer_id or account_id")


class Segmentation(Section):
    """What every kind of segmentation says of itself."""

    segmentation: Name
    name: str = Field(min_length=1)
    description: str = ""
    entity: Entity = Field(default="customer", description="what is segmented")
    tests: SegmentTests | None = Field(default=None, description="what must hold of the result")
    reuse: bool = Field(default=False, description="go on with the history of an id that was removed")

    @property
    def reused_segments(self) -> frozenset[str]:
        """Ids of the segments that say `reuse: true`."""
        found = [value for _, value in self]
        listed = [part for value in found for part in (value if isinstance(value, list) else [value])]
        return frozenset(part.id for part in listed if isinstance(part, Labelled) and part.reuse)


class Rules(Segmentation):
    """Exclusive segments by conditions: the first that holds wins, `otherwise` takes the rest."""

    kind: Literal["rules"]
    segments: list[Segment] = Field(min_length=1)
    otherwise: Remainder


class Audiences(Segmentation):
    """Groups that may overlap: a member is in every audience whose condition holds, or in none."""

    kind: Literal["audiences"]
    audiences: list[Audience] = Field(min_length=1)
    at_most: int | None = Field(default=None, ge=1, description="audiences a member is in at most")


class Scores(Segmentation):
    """Scores over a population, grouped by conditions over the scores."""

    kind: Literal["scores"]
    population: str = Field(default="true", description="condition: who is scored; others go to `outside`")
    scores: dict[Name, Score] = Field(min_length=1)
    segments: list[Segment] = Field(min_length=1)
    otherwise: Remainder
    outside: Remainder


class Tiers(Segmentation):
    """Value tiers: members in descending order of one feature, cut at shares of its total."""

    kind: Literal["tiers"]
    by: str = Field(description="the feature that is value")
    tiers: list[Tier] = Field(min_length=1)
    otherwise: Remainder = Field(description="members without any value")

    @field_validator("tiers")
    @classmethod
    def _rising(cls, tiers: list[Tier]) -> list[Tier]:
        shares = [tier.until for tier in tiers]
        if shares != sorted(set(shares)) or shares[-1] != 1:
            raise ValueError("`until` must rise from tier to tier and end with 1")
        return tiers


class Combination(Segmentation):
    """Exclusive segmentations crossed: every combination of segments is a segment, or in one of `groups`."""

    kind: Literal["combination"]
    of: list[Name] = Field(min_length=2, max_length=6, description="the ids of exclusive segmentations")
    names: dict[str, str] = Field(default_factory=dict, description="names of combinations, by id")
    groups: list[Group] = Field(default_factory=list, description="the first that matches wins")
    otherwise: Remainder | None = Field(default=None, description="takes the combinations of no group")


class Lists(Segmentation):
    """Groups that may overlap, each a file of ids."""

    kind: Literal["lists"]
    segments: list[ListFile] = Field(min_length=1)


AnyDefinition = Rules | Audiences | Scores | Tiers | Combination | Lists
Definition = Annotated[AnyDefinition, Field(discriminator="kind")]


class SegmentationFile(RootModel[Definition]):
    """One file of `segments/`."""


KINDS: dict[str, type[AnyDefinition]] = {
    "rules": Rules,
    "audiences": Audiences,
    "scores": Scores,
    "tiers": Tiers,
    "combination": Combination,
    "lists": Lists,
}
