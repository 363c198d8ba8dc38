"""The expectations of Great Expectations that can be judged by SQL in DuckDB, and their arguments.

A list of our own, because importing Great Expectations takes seconds and configuration is read by every
command. A test holds it against the library: each name, each argument, and that each passes and fails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Expectation:
    """Its name as the library writes the class, the arguments it needs, and those it may have."""

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        return self.required + self.optional


QUERY = "UnexpectedRowsExpectation"
# The arguments that hold the name of a column, or a list of names.
COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")

_BETWEEN = ("min_value", "max_value", "strict_min", "strict_max")
_ROWS = ("mostly",)
_SKIP = ("ignore_row_if",)

_ALL = (
    *(
        Expectation(f"ExpectColumn{figure}ToBeBetween", ("column",), _BETWEEN)
        for figure in (
            *("Max", "Mean", "Median", "Min", "Stdev", "Sum", "UniqueValueCount"),
            *("ProportionOfNonNullValues", "ProportionOfUniqueValues"),
        )
    ),
    *(
        Expectation(f"ExpectColumnDistinctValuesTo{how}Set", ("column", "value_set"))
        for how in ("BeIn", "Contain", "Equal")
    ),
    Expectation("ExpectColumnMostCommonValueToBeInSet", ("column", "value_set"), ("ties_okay",)),
    Expectation("ExpectColumnQuantileValuesToBeBetween", ("column", "quantile_ranges")),
    Expectation(
        "ExpectColumnKLDivergenceToBeLessThan",
        ("column", "partition_object", "threshold"),
        ("internal_weight_holdout", "tail_weight_holdout", "bucketize_data"),
    ),
    Expectation("ExpectColumnToExist", ("column",), ("column_index",)),
    Expectation("ExpectColumnValuesToBeNull", ("column",), _ROWS),
    Expectation("ExpectColumnValuesToNotBeNull", ("column",), _ROWS),
    Expectation("ExpectColumnValuesToBeUnique", ("column",), _ROWS),
    Expectation("ExpectColumnValuesToBeBetween", ("column",), (*_ROWS, *_BETWEEN)),
    Expectation("ExpectColumnValuesToBeInSet", ("column", "value_set"), _ROWS),
    Expectation("ExpectColumnValuesToNotBeInSet", ("column", "value_set"), _ROWS),
    Expectation("ExpectColumnValuesToBeOfType", ("column", "type_"), _ROWS),
    Expectation("ExpectColumnValuesToBeInTypeList", ("column", "type_list"), _ROWS),
    Expectation("ExpectColumnValueLengthsToBeBetween", ("column",), (*_ROWS, *_BETWEEN)),
    Expectation("ExpectColumnValueLengthsToEqual", ("column", "value"), _ROWS),
    Expectation("ExpectColumnValueZScoresToBeLessThan", ("column", "threshold", "double_sided"), _ROWS),
    Expectation("ExpectColumnValuesToMatchRegex", ("column", "regex"), _ROWS),
    Expectation("ExpectColumnValuesToNotMatchRegex", ("column", "regex"), _ROWS),
    Expectation("ExpectColumnValuesToMatchRegexList", ("column", "regex_list"), (*_ROWS, "match_on")),
    Expectation("ExpectColumnValuesToNotMatchRegexList", ("column", "regex_list"), _ROWS),
    Expectation("ExpectColumnValuesToMatchLikePattern", ("column", "like_pattern"), _ROWS),
    Expectation("ExpectColumnValuesToNotMatchLikePattern", ("column", "like_pattern"), _ROWS),
    Expectation(
        "ExpectColumnValuesToMatchLikePatternList", ("column", "like_pattern_list"), (*_ROWS, "match_on")
    ),
    Expectation("ExpectColumnValuesToNotMatchLikePatternList", ("column", "like_pattern_list"), _ROWS),
    Expectation(
        "ExpectColumnPairValuesAToBeGreaterThanB",
        ("column_A", "column_B"),
        (*_ROWS, *_SKIP, "or_equal"),
    ),
    Expectation("ExpectColumnPairValuesToBeEqual", ("column_A", "column_B"), (*_ROWS, *_SKIP)),
    Expectation(
        "ExpectColumnPairValuesToBeInSet", ("column_A", "column_B", "value_pairs_set"), (*_ROWS, *_SKIP)
    ),
    Expectation("ExpectCompoundColumnsToBeUnique", ("column_list",), (*_ROWS, *_SKIP)),
    Expectation("ExpectMulticolumnSumToEqual", ("column_list", "sum_total"), (*_ROWS, *_SKIP)),
    Expectation("ExpectSelectColumnValuesToBeUniqueWithinRecord", ("column_list",), (*_ROWS, *_SKIP)),
    Expectation("ExpectTableRowCountToBeBetween", (), _BETWEEN),
    Expectation("ExpectTableRowCountToEqual", ("value",)),
    Expectation("ExpectTableColumnCountToBeBetween", (), ("min_value", "max_value")),
    Expectation("ExpectTableColumnCountToEqual", ("value",)),
    Expectation("ExpectTableColumnsToMatchOrderedList", ("column_list",)),
    Expectation("ExpectTableColumnsToMatchSet", ("column_set",), ("exact_match",)),
    Expectation(QUERY, ("unexpected_rows_query",)),
)

EXPECTATIONS: dict[str, Expectation] = {expectation.name: expectation for expectation in _ALL}

# In the library, and not to be had here; the reason is told to whoever writes one.
NOT_HERE: dict[str, str] = {
    **dict.fromkeys(
        (
            "ExpectColumnValuesToBeDateutilParseable",
            "ExpectColumnValuesToBeDecreasing",
            "ExpectColumnValuesToBeIncreasing",
            "ExpectColumnValuesToBeJsonParseable",
            "ExpectColumnValuesToMatchJsonSchema",
            "ExpectColumnValuesToMatchStrftimeFormat",
            "ExpectColumnValuesToNotBeOutliers",
            "ExpectColumnTypeToBe",
            "ExpectMulticolumnValuesToBeEqual",
            "ExpectMulticolumnValuesToBeUnique",
        ),
        "the library does not evaluate it by SQL in DuckDB",
    ),
    **dict.fromkeys(
        ("ExpectTableRowCountToEqualOtherTable", "ExpectQueryResultsToMatchComparison"),
        "it reads another table; an expectation here sees its own",
    ),
}


def snake(name: str) -> str:
    """`ExpectColumnValuesToBeNull` -> `expect_column_values_to_be_null`, as suites are written in JSON."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return spaced.lower()


BY_WRITTEN_NAME: dict[str, str] = {
    written: name for name in (*EXPECTATIONS, *NOT_HERE) for written in (name, snake(name))
}
