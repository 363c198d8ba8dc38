"""How a source delivers: what its files say of the rows they hold, and of those they do not."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Delivery = Literal["append", "snapshot", "changes"]


class Operation(BaseModel):
    """The column of a change feed that says what became of a row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(description="SQL expression over the source's columns: the operation")
    delete: list[str] = Field(min_length=1, description="its values that remove the row's key")


def delivery_fault(
    delivery: Delivery, operation: Operation | None, version: str | None, played_back: bool
) -> str | None:
    """What does not go together in the settings of one source; None when all does.

    Parameters
    ----------
    delivery : how the source delivers: append, snapshot or changes.
    operation : the setting that tells deletions, if there is one.
    version : the expression of a row's version, if there is one.
    played_back : whether the source plays back an archive.
    """
    if delivery == "changes" and operation is None:
        return "delivery: changes needs operation, with column and delete"
    if delivery != "changes" and operation is not None:
        return f"operation belongs to delivery: changes; this source is delivery: {delivery}"
    if delivery == "snapshot" and version is not None:
        return "version does not go with delivery: snapshot; the last snapshot delivered counts, whole"
    if delivery == "snapshot" and played_back:
        return "playback does not go with delivery: snapshot; a slice is not the full state"
    return None
