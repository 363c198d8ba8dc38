"""What a project says of columns that are personal, or only look so."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PersonalColumn(BaseModel):
    """What becomes of one column that may tell who somebody is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    publish: bool = Field(
        description="whether it stands in what is published; segments may use it in any case"
    )
