"""The models of `segments/*.yaml`: how a segmentation is written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, RootModel, field_validator

from pipelines.config.project import Name, Section


class Segment(Section):
    """One segment of a segmentation and the condition that puts a customer in it."""

    id: Name
    name: str = Field(min_length=1)
    when: str = Field(description="a condition over the feature catalogue (or over the scores)")
    description: str = ""


class Remainder(Section):
    """Where customers go that no other segment takes."""

    id: Name
    name: str = Field(min_length=1)
    description: str = ""


class Score(Section):
    """A score 1..bins by quantile; equal values get equal scores."""

    feature: str
    better: Literal["high", "low"] = "high"
    bins: int = Field(default=5, ge=2, le=20)


class Tier(Section):
    """A tier of customers in descending order of value, up to a share of the total."""

    id: Name
    name: str = Field(min_length=1)
    until: float = Field(gt=0, le=1, description="cumulative share of the total value where the tier ends")
    description: str = ""


class _Segmentation(Section):
    segmentation: Name
    name: str = Field(min_length=1)
    description: str = ""


class Rules(_Segmentation):
    """Exclusive segments by conditions: the first that holds wins, `otherwise` takes the rest."""

    kind: Literal["rules"]
    segments: list[Segment] = Field(min_length=1)
    otherwise: Remainder


class Scores(_Segmentation):
    """Quantile scores over a population, grouped by conditions over the scores."""

    kind: Literal["scores"]
    population: str = Field(default="true", description="condition: who is scored; others go to `outside`")
    scores: dict[Name, Score] = Field(min_length=1)
    segments: list[Segment] = Field(min_length=1)
    otherwise: Remainder
    outside: Remainder


class Tiers(_Segmentation):
    """Value tiers: customers in descending order of one feature, cut at shares of its total."""

    kind: Literal["tiers"]
    by: str = Field(description="the feature that is value")
    tiers: list[Tier] = Field(min_length=1)
    otherwise: Remainder = Field(description="customers without any value")

    @field_validator("tiers")
    @classmethod
    def _rising(cls, tiers: list[Tier]) -> list[Tier]:
        shares = [tier.until for tier in tiers]
        if shares != sorted(set(shares)) or shares[-1] != 1:
            raise ValueError("`until` must rise from tier to tier and end with 1")
        return tiers


Definition = Annotated[Rules | Scores | Tiers, Field(discriminator="kind")]


class SegmentationFile(RootModel[Definition]):
    """One file of `segments/`."""


KINDS: dict[str, type[Rules] | type[Scores] | type[Tiers]] = {
    "rules": Rules,
    "scores": Scores,
    "tiers": Tiers,
}


def members(definition: Rules | Scores | Tiers) -> list[Segment | Tier | Remainder]:
    """Every segment of a segmentation in display order."""
    if isinstance(definition, Tiers):
        return [*definition.tiers, definition.otherwise]
    if isinstance(definition, Scores):
        return [*definition.segments, definition.otherwise, definition.outside]
    return [*definition.segments, definition.otherwise]
