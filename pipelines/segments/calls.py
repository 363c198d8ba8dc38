"""The calls in conditions whose arguments are no SQL: `did(orders, where: category = 'WINE', within: 90d)`.

They are taken out of the text by their tokens, and a name as long as the call is put in the place of each, so
that every other character stays where it was and faults point into the text as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot.dialects import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from pipelines.config.expression import Place
from pipelines.config.yaml import nearest

EVENT_CALLS = ("did", "did_not")
MEMBER_CALLS = ("any_member", "all_members", "no_member", "members")
CALLS = (*EVENT_CALLS, *MEMBER_CALLS)

# Longer or deeper than any condition that a person writes, and far below what the parsers bear.
MAX_LENGTH = 100_000
MAX_DEPTH = 50
_OPENS = frozenset({TokenType.L_PAREN, TokenType.CASE, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSES = frozenset({TokenType.R_PAREN, TokenType.END, TokenType.R_BRACKET, TokenType.R_BRACE})
_BEFORE = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE})


@dataclass(frozen=True)
class Argument:
    """One argument: its label, if it has one, and from where to where its value stands in the text."""

    label: str | None
    start: int
    end: int
    at: int


@dataclass(frozen=True)
class Call:
    """One call: its name, its place in the text, its arguments, and the name that stands in its place."""

    name: str
    start: int
    end: int
    arguments: tuple[Argument, ...]
    stand_in: str

    def value(self, text: str, argument: Argument) -> str:
        return text[argument.start : argument.end].strip()

    def written(self, text: str) -> str:
        """The whole call on one line."""
        return " ".join(text[self.start : self.end].split())


def take_out(text: str, place: Place) -> tuple[str, list[Call]]:
    """The text with a name in the place of every call, and the calls.

    Raises
    ------
    ConfigError
        When the text is too long or nested too deeply, or a call is not closed.
    """
    if len(text) > MAX_LENGTH:
        raise place.fault(f"is longer than {MAX_LENGTH:,} characters; expected a list, or an attribute")
    tokens = tokens_of(text, place)
    _refuse_depth(tokens, place)
    prefix = _free_prefix(text)
    found: list[Call] = []
    i = 0
    while i < len(tokens):
        if _opens_call(tokens, i):
            call, i = _read(tokens, i, f"{prefix}{len(found)}", place)
            found.append(call)
        else:
            i += 1
    for call in found:
        text = text[: call.start] + _padded(call, text) + text[call.end :]
    return text, found


def only(text: str, argument: Argument) -> str:
    """The text with everything but one argument blanked, each character in its place."""
    blanked = "".join(char if char == "\n" else " " for char in text)
    return blanked[: argument.start] + text[argument.start : argument.end] + blanked[argument.end :]


def tokens_of(text: str, place: Place) -> Sequence[Token]:
    """The tokens of a text; remarks are none."""
    try:
        return list(DuckDB().tokenize(text))
    except SqlglotError:
        raise place.fault("is not an SQL expression: a quote or remark is not closed") from None


def _refuse_depth(tokens: Sequence[Token], place: Place) -> None:
    """Before the parser sees it, which goes down with every level."""
    depth = run = 0
    for token in tokens:
        depth += (token.token_type in _OPENS) - (token.token_type in _CLOSES)
        run = run + 1 if token.token_type in _BEFORE else 0
        if max(depth, run) > MAX_DEPTH:
            raise place.fault("is nested too deeply", token.start)


def _free_prefix(text: str) -> str:
    lowered = text.lower()
    return next(p for a in "cdefgh" for b in ("", *"abcdefghij") if (p := f"_{a}{b}") not in lowered)


def _opens_call(tokens: Sequence[Token], i: int) -> bool:
    token = tokens[i]
    return (
        token.token_type is TokenType.VAR
        and token.text.lower() in CALLS
        and i + 1 < len(tokens)
        and tokens[i + 1].token_type is TokenType.L_PAREN
    )


def _read(tokens: Sequence[Token], i: int, stand_in: str, place: Place) -> tuple[Call, int]:
    """The call that opens at token `i`, and the index of the token behind it."""
    name, opened = tokens[i], i + 1
    depth, first, arguments = 0, opened + 1, []
    for j in range(opened, len(tokens)):
        kind = tokens[j].token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if depth == 0 or (depth == 1 and kind is TokenType.COMMA):
            if j > first or kind is TokenType.COMMA:
                arguments.append(_argument(tokens[first:j], tokens[j].start, place))
            first = j + 1
        if depth == 0:
            end = tokens[j].end + 1
            return Call(name.text.lower(), name.start, end, tuple(arguments), stand_in), j + 1
    raise place.fault(f"{name.text} is not closed; expected )", name.start)


def _argument(tokens: Sequence[Token], end: int, place: Place) -> Argument:
    if not tokens:
        raise place.fault("an argument is missing", end)
    if len(tokens) > 1 and tokens[1].token_type is TokenType.COLON:
        start = tokens[2].start if len(tokens) > 2 else end
        return Argument(tokens[0].text.lower(), start, end, tokens[0].start)
    return Argument(None, tokens[0].start, end, tokens[0].start)


def _padded(call: Call, text: str) -> str:
    written = text[call.start : call.end]
    rest = "".join(char if char == "\n" else " " for char in written[len(call.stand_in) :])
    return call.stand_in + rest


_SPAN = re.compile(r"(\d{1,9})\s*([dw])", re.IGNORECASE)
MAX_DAYS = 36_500


class Arguments:
    """The labelled arguments of one call, taken one by one; what is left over is a fault."""

    def __init__(self, call: Call, text: str, place: Place, labels: Sequence[str]) -> None:
        self.call, self.text, self.place = call, text, place
        self.given: dict[str, Argument] = {}
        self.first = next((argument for argument in call.arguments[:1] if argument.label is None), None)
        for argument in call.arguments[1 if self.first else 0 :]:
            if argument.label is None or argument.label not in labels:
                what = (
                    f"has no argument {argument.label}{nearest(argument.label, labels)}"
                    if argument.label
                    else "has a value"
                )
                raise place.fault(
                    f"{call.name} {what}; expected {', '.join(f'{name}: …' for name in labels)}", argument.at
                )
            if argument.label in self.given:
                raise place.fault(f"{call.name} is given {argument.label} twice", argument.at)
            self.given[argument.label] = argument

    def span(self) -> int | None:
        """`within: 90d` or `within: 12w` in days; None without it."""
        given = self.given.get("within")
        if given is None:
            return None
        value = self.call.value(self.text, given)
        found = _SPAN.fullmatch(value)
        if found is None:
            hint = f"; did you mean {value}d?" if value.isascii() and value.isdigit() else ""
            raise self.place.fault(
                f"within is {value!r}; expected days or weeks, such as 90d or 12w{hint}", given.at
            )
        days = int(found[1]) * (7 if found[2].lower() == "w" else 1)
        if not 1 <= days <= MAX_DAYS:
            raise self.place.fault(f"within is {value}; expected 1d to {MAX_DAYS}d", given.at)
        return days

    def count(self, label: str) -> int | None:
        """A whole number from 1 upwards; None where it is not given."""
        given = self.given.get(label)
        if given is None:
            return None
        value = self.call.value(self.text, given)
        if not (value.isascii() and value.isdigit() and 1 <= int(value[:12]) <= 1_000_000_000):
            raise self.place.fault(f"{label} is {value!r}; expected a whole number from 1 upwards", given.at)
        return int(value[:12])

    def bounds(self) -> tuple[int, int | None]:
        """`at_least` (1 where it is not given) and `at_most`."""
        least, most = self.count("at_least") or 1, self.count("at_most")
        if most is not None and most < least:
            raise self.place.fault(
                f"at_most is {most} and at_least {least}; expected at_most to be as much or more",
                self.given["at_most"].at,
            )
        return least, most

    def condition(self) -> Argument | None:
        """Where `where:` stands; None without it."""
        given = self.given.get("where")
        if given is not None and not self.call.value(self.text, given):
            raise self.place.fault(f"{self.call.name} has an empty where", given.at)
        return given
