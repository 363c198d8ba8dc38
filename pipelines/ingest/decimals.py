"""Numbers written with either decimal mark, as SQL over a text column.

`1.234,56` and `1,234.56` say by themselves which mark is which. `1.234` does not: it is 1234 in Munich and
1.234 in Boston. It is read when the source states the mark, or when another number of the same file says it;
otherwise the row goes to quarantine.

`_decimal` is the mark of a row's file: a point, a comma, an empty text where the file does not say, or NULL
where the format needs no mark.
"""

from __future__ import annotations

from pipelines.engine import literal

# Between thousands: the other mark, an apostrophe, or a space (also the two that do not break).
_SPACES = "' \u00a0\u202f"
_SIGN = "[-+]?"
_AMBIGUOUS = rf"{_SIGN}[1-9]\d{{0,2}}[.,]\d{{3}}"


def _grouped(others: str) -> str:
    return rf"\d{{1,3}}([{others}{_SPACES}]\d{{3}})+"


def says_comma(text: str) -> str:
    """SQL: whether a text is a number that can only have a decimal comma."""
    clear = _match(text, rf"{_SIGN}(\d*|{_grouped('.')}),\d+|{_SIGN}\d{{1,3}}(\.\d{{3}}){{2,}}")
    return f"({clear} and not {is_ambiguous(text)})"


def says_point(text: str) -> str:
    """SQL: whether a text is a number that can only have a decimal point."""
    clear = _match(
        text, rf"{_SIGN}(\d*|{_grouped(',')})\.\d+([eE][-+]?\d+)?|{_SIGN}\d{{1,3}}(,\d{{3}}){{2,}}"
    )
    return f"({clear} and not {is_ambiguous(text)})"


def is_ambiguous(text: str) -> str:
    """SQL: whether a text is a number whose one mark may be either."""
    return _match(text, _AMBIGUOUS)


def to_number(text: str, kind: str, mark: str = "_decimal") -> str:
    """SQL: the text as a number of the type `kind`, or NULL where it is none in its file's way of writing.

    With a decimal point most texts are numbers to DuckDB as they stand; only the others are looked into.
    `mark` is SQL that gives the mark of the file.
    """
    plain = f"try_cast({text} as {kind})"
    comma = _match(text, rf"{_SIGN}(\d*|{_grouped('.')})(,\d+)?")
    whole = f"regexp_replace(split_part({text}, ',', 1), {literal(f'[.{_SPACES}]')}, '', 'g')"
    pointed = f"concat_ws('.', {whole}, nullif(split_part({text}, ',', 2), ''))"
    point = _match(text, rf"{_SIGN}{_grouped(',')}(\.\d+)?")
    bare = f"regexp_replace({text}, {literal(f'[,{_SPACES}]')}, '', 'g')"
    return (
        f"case when {mark} = ',' then case when {comma} then try_cast({pointed} as {kind}) end"
        f" when {mark} = '.' then coalesce({plain}, case when {point} then try_cast({bare} as {kind}) end)"
        f" when {mark} = '' and {is_ambiguous(text)} then null"
        f" else {plain} end"
    )


def _match(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"
