"""The models of `expectations/*.yaml`: what a project itself expects of a table."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.config.project import Name, Section


class Expectation(Section):
    """One expectation, in the vocabulary of Great Expectations."""

    name: Name
    type: str = Field(description="expect_column_values_to_be_between, or ExpectColumnValuesToBeBetween")
    kwargs: dict[str, Any] = Field(default_factory=dict)
    severity: Literal["critical", "advisory"] = "advisory"
    description: str = Field(min_length=1, description="what must hold, as the report says it")


class SuiteFile(Section):
    """One file: a table and what is expected of it."""

    batch: str | None = Field(default=None, description="a canonical table: its incoming batch is checked")
    source: str | None = Field(default=None, description="only batches of this source")
    mart: str | None = Field(default=None, description="a mart, checked before it is published")
    expectations: list[Expectation] = Field(min_length=1)

    @field_validator("expectations")
    @classmethod
    def _names_differ(cls, expectations: list[Expectation]) -> list[Expectation]:
        names = [expectation.name for expectation in expectations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands twice; a name is for one expectation")
        return expectations

    @model_validator(mode="after")
    def _one_table(self) -> SuiteFile:
        if (self.batch is None) == (self.mart is None):
            raise ValueError("expected either `batch: TABLE` (an incoming batch) or `mart: TABLE`")
        if self.mart is not None and self.source is not None:
            raise ValueError("`source` goes with `batch`; a mart has no source")
        return self
