"""The models of `tests:` in `segments/*.yaml`: what must hold of a segmentation's result."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pipelines.config.project import Section

EVERY = "*"
Value = TypeVar("Value", int, float)


def _by_segment(value: Any) -> Any:
    """A number alone counts for every segment."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {EVERY: value} if is_number else value


def _as_id(value: Any) -> Any:
    """YAML reads an id of digits as a number; ids are text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _either(kind: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [kind, {"type": "object", "additionalProperties": kind}]})


Sizes = Annotated[
    dict[str, Annotated[int, Field(ge=0)]],
    BeforeValidator(_by_segment),
    _either({"type": "integer", "minimum": 0}),
]
Shares = Annotated[
    dict[str, Annotated[float, Field(ge=0, le=1)]],
    BeforeValidator(_by_segment),
    _either({"type": "number", "minimum": 0, "maximum": 1}),
]
Id = Annotated[
    str,
    BeforeValidator(_as_id),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}),
]


class Examples(Section):
    """Members by name, who must be in a segment or must not be."""

    inside: list[Id] = Field(default_factory=list, alias="in", description="ids that must be in the segment")
    out: list[Id] = Field(default_factory=list, description="ids that must not be in the segment")

    @model_validator(mode="after")
    def _someone_is_named(self) -> Examples:
        if not (self.inside or self.out):
            raise ValueError("names nobody; expected ids under `in` or `out`")
        both = sorted(set(self.inside) & set(self.out))
        if both:
            raise ValueError(f"{len(both)} id(s) stand under both `in` and `out`")
        return self


class SegmentTests(Section):
    """What must hold of a segmentation; a test that fails keeps it from being published."""

    every_customer_once: bool = Field(
        default=False, description="every member of the day is in exactly one segment"
    )
    min_size: Sizes = Field(default_factory=dict, description="members at least: of each segment, or by id")
    max_size: Sizes = Field(default_factory=dict, description="members at most: of each segment, or by id")
    min_share: Shares = Field(
        default_factory=dict, description="share of all members at least: of each segment, or by id"
    )
    max_share: Shares = Field(
        default_factory=dict, description="share of all members at most: of each segment, or by id"
    )
    examples: dict[str, Examples] = Field(
        default_factory=dict, description="by segment: ids that must be in it, and ids that must not"
    )
    must_not_use: list[str] = Field(
        default_factory=list, description="features that no condition may read, directly or by reference"
    )
    proxy_below: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="association of membership with each of `must_not_use` stays below (0 none, 1 complete)",
    )

    @model_validator(mode="after")
    def _bounds_leave_room(self) -> SegmentTests:
        for least, most, what in (
            (self.min_size, self.max_size, "size"),
            (self.min_share, self.max_share, "share"),
        ):
            for segment in least.keys() & most.keys():
                if least[segment] > most[segment]:
                    of = "" if segment == EVERY else f" of {segment}"
                    raise ValueError(f"min_{what}{of} lies above max_{what}; nothing can meet both")
        if self.proxy_below is not None and not self.must_not_use:
            raise ValueError("proxy_below needs must_not_use: the features whose stand-ins are looked for")
        return self

    def segments(self) -> list[tuple[str, str]]:
        """Setting and segment id of every segment that is named."""
        named = ("min_size", "max_size", "min_share", "max_share", "examples")
        return [(name, segment) for name in named for segment in getattr(self, name) if segment != EVERY]


def bound_of(limits: dict[str, Value], segment: str) -> Value | None:
    """The limit of one segment: its own, else that of every segment."""
    return limits.get(segment, limits.get(EVERY))
