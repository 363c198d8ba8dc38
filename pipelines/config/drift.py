"""When a change of the customer base is worth telling someone: the `drift` part of the project file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DriftLimits(BaseModel):
    """Thresholds of the drift checks; a check must pass size, certainty and sample limits at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    psi_warn: float = Field(
        default=0.10,
        gt=0,
        description="Population stability index from which a change is a warning"
        " (.10 is the customary mark for a moderate shift in credit scoring).",
    )
    psi_alert: float = Field(
        default=0.25,
        gt=0,
        description="Population stability index from which a change is an alert (customary: .25).",
    )
    q_max: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Share of false findings tolerated among all findings of a run"
        " (Benjamini-Hochberg q-value below which a change counts as real).",
    )
    minimum_n: int = Field(
        default=200,
        ge=1,
        description="Customers needed on both days; with fewer the verdict is 'not enough data'.",
    )
    bins: int = Field(
        default=10,
        ge=2,
        le=100,
        description="Equally filled bins of the baseline that a numeric feature is counted in.",
    )

    @model_validator(mode="after")
    def _alert_is_not_below_warn(self) -> DriftLimits:
        if self.psi_alert < self.psi_warn:
            raise ValueError(
                f"psi_alert ({self.psi_alert}) is below psi_warn ({self.psi_warn}); an alert needs at least"
                " as large a change as a warning"
            )
        return self
