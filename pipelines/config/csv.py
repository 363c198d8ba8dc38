"""How a source's text files are written, where it is said rather than sniffed: the `csv` part of a source."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Encoding = Literal["utf-8", "windows-1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be"]
# What people call them; `utf-8` reads a file with a byte order mark too.
_ALIASES: dict[str, Encoding] = {
    "utf-8-sig": "utf-8",
    "utf-8": "utf-8",
    "windows-1252": "windows-1252",
    "latin-1": "latin-1",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
}
_BY_CODEC: dict[str, Encoding] = {codecs.lookup(name).name: known for name, known in _ALIASES.items()}

Character = Annotated[str, Field(min_length=1, max_length=1)]


class CsvDialect(BaseModel):
    """What is not stated here is sniffed, file by file, and recorded in `ingest.file_dialect`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delimiter: Character | None = Field(default=None, description="the character between two values")
    quote: str | None = Field(
        default=None, max_length=1, description="the character around a value; empty: none is special"
    )
    escape: Character | None = Field(
        default=None, description="the character before a quote inside a quoted value"
    )
    header: bool | None = Field(default=None, description="whether the first line names the columns")
    columns: list[str] | None = Field(
        default=None, min_length=1, description="the columns' names, in place of or instead of a header"
    )
    encoding: Encoding | None = Field(default=None, description="how characters are written as bytes")
    decimal: Literal[".", ","] | None = Field(
        default=None, description="the mark before the decimals of a number"
    )
    skip: int = Field(default=0, ge=0, le=1000, description="lines before the header or the first row")

    @field_validator("encoding", mode="before")
    @classmethod
    def _known_by_its_other_names(cls, name: object) -> object:
        """`cp1252`, `UTF8` and `iso-8859-1` are names of the same encodings."""
        if not isinstance(name, str):
            return name
        try:
            return _BY_CODEC.get(codecs.lookup(name).name, name)
        except LookupError:
            return name

    @field_validator("delimiter", "quote", "escape")
    @classmethod
    def _no_line_end(cls, character: str | None) -> str | None:
        if character and (character in "\r\n\0" or not character.isascii()):
            raise ValueError("expected one ASCII character that does not end a line")
        return character

    @field_validator("columns")
    @classmethod
    def _columns_differ(cls, columns: list[str] | None) -> list[str] | None:
        lower = [name.strip().lower() for name in columns or []]
        if "" in lower or len(set(lower)) < len(lower):
            raise ValueError("expected names that are not empty and differ by more than letter case")
        return columns

    @model_validator(mode="after")
    def _marks_differ(self) -> CsvDialect:
        if self.delimiter and self.delimiter in (self.quote, self.escape):
            raise ValueError("delimiter must differ from quote and escape")
        return self
