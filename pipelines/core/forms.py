"""What is left of an id when how it is written is left out, as SQL: 00007, 7.0 and 7 have one form.

Two ids of one form may be two all the same, in a shop whose products 007 and 7 differ. So forms are for
telling, never for joining.
"""

from __future__ import annotations

import unicodedata

from pipelines.engine import literal

# Letters, digits and blanks that East Asian keyboards write wide, and blanks that look like the common one.
_ODD = [chr(code) for code in (*range(0xFF01, 0xFF5F), 0xA0, 0x2007, 0x202F, 0x3000)]
_PLAIN = [unicodedata.normalize("NFKC", character) for character in _ODD]

POINT = "a trailing .0"
ZEROS = "leading zeros"
CASE = "letter case"
BLANKS = "blanks"
ACCENTS = "accents or the form of letters"
SEVERAL = "several of these"


def form(identifier: str) -> str:
    """The form of an id."""
    return _zeros(_point(_blanks(f"lower({_letters(identifier)})")))


def kind(one: str, other: str) -> str:
    """By what two ids of one form differ."""
    alone = ((ZEROS, _zeros), (POINT, _point), (CASE, _case), (BLANKS, _blanks), (ACCENTS, _letters))
    tried = " ".join(
        f"when {without(one)} = {without(other)} then {literal(name)}" for name, without in alone
    )
    return f"case {tried} else {literal(SEVERAL)} end"


def _letters(text: str) -> str:
    odd, plain = literal("".join(_ODD)), literal("".join(_PLAIN))
    # Nearly every id is ASCII, and `translate` takes its time.
    return (
        f"case when regexp_matches({text}, '^[ -~]*$') then {text}"
        f" else strip_accents(translate({text}, {odd}, {plain})) end"
    )


def _case(text: str) -> str:
    return f"lower({text})"


def _blanks(text: str) -> str:
    return f"replace({text}, ' ', '')"


def _point(text: str) -> str:
    return f"case when {text} like '%.0' then substr({text}, 1, length({text}) - 2) else {text} end"


def _zeros(text: str) -> str:
    return f"ltrim({text}, '0')"
