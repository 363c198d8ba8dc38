"""What is given as the text that a column of text holds, as SQL: the same id from whatever file it came.

A file of numbers says 17850.0 or 17850.00 where another says 17850, because a column with gaps was a column
of floats on its way; and a letter with an accent is one character in some systems and two in others. Each is
one text here. What a source writes as text is otherwise left as it is: zeros in front of a number are part of
it.
"""

from __future__ import annotations

# Whole numbers up to here are exact in a DOUBLE's text and in a BIGINT.
_LARGEST = "1e18"


def as_text(given: str) -> str:
    """A given value as trimmed text: composed letters, whole numbers without a point, none for NaN."""
    number = f"try_cast({given} as double)"
    whole = f"{number} = floor({number}) and abs({number}) < {_LARGEST}"
    text = f"cast({given} as varchar)"
    # `typeof` is known before anything is read: of a column of text only the last branch is left.
    return (
        f"nfc_normalize(trim(case when typeof({given}) in ('FLOAT', 'DOUBLE') then"
        f" case when isnan({number}) then null when {whole} then cast(try_cast({given} as bigint) as varchar)"
        f" else {text} end"
        f" when typeof({given}) like 'DECIMAL%' then regexp_replace({text}, '\\.0+$', '')"
        f" else {text} end))"
    )


def as_finite_instant(given: str) -> str:
    """A value as an instant that can be: DuckDB reads the word infinity as one, and nothing happened then."""
    return f"nullif(nullif({as_instant(given)}, 'infinity'), '-infinity')"


def as_instant(given: str) -> str:
    """A value as an instant; DuckDB reads no blank before an offset (10:15:00 +0200), shops write one."""
    joined = f"regexp_replace(trim(cast({given} as varchar)), '\\s+([+-][0-9]{{2}}(:?[0-9]{{2}})?)$', '\\1')"
    return f"coalesce(try_cast({given} as timestamptz), try_cast({joined} as timestamptz))"
