"""How much may be wrong with a source's batch: the `quality` and `volume` parts of a source."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class FaultLimits(BaseModel):
    """Rows with a fault: beyond the warn limits a warning, beyond the fail limits the batch is rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    warn_share: float | None = Field(default=None, ge=0, le=1)
    fail_share: float | None = Field(default=None, ge=0, le=1, description="instead of max_bad_share")
    warn_count: int | None = Field(default=None, ge=0)
    fail_count: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _warned_before_failed(self) -> FaultLimits:
        for kind in ("share", "count"):
            warn, fail = getattr(self, f"warn_{kind}"), getattr(self, f"fail_{kind}")
            if warn is not None and fail is not None and warn > fail:
                raise ValueError(f"warn_{kind} ({warn}) must not be larger than fail_{kind} ({fail})")
        return self


class VolumeLimits(BaseModel):
    """How far a day may lie from the same weekdays before it, in rows and in the values of its columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weekdays: int = Field(
        default=8, ge=4, le=52, description="same weekdays before it that a day is judged by"
    )
    low: float = Field(default=0.5, ge=0, lt=1, description="share of their median below which a day is odd")
    high: float = Field(default=2.0, gt=1, description="multiple of their median above which a day is odd")
    reject_below: float | None = Field(
        default=None, gt=0, lt=1, description="share of their median below which the batch is rejected"
    )
    null_shift: float = Field(
        default=0.1, gt=0, le=1, description="change of a column's share of missing values that is odd"
    )
    value_ratio: float = Field(
        default=2.0, gt=1, description="factor by which a column's mean, median or 90th percentile may move"
    )

    @model_validator(mode="after")
    def _warned_before_rejected(self) -> VolumeLimits:
        if self.reject_below is not None and self.reject_below > self.low:
            raise ValueError(f"reject_below ({self.reject_below}) must not be larger than low ({self.low})")
        return self
