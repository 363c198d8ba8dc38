"""Faults of putting together, column by column, what several sources say of one key."""

from __future__ import annotations

from .fault import Fault

_TESTS = "tests/unit/core/test_by_column.py::"
_BY_COLUMN = "pipelines/core/by_column.py"

FAULTS = (
    Fault(
        "the-row-that-came-last-hides-the-others",
        "Two sources of one thing fill one row, whichever came last.",
        _BY_COLUMN,
        "return len(mappings) > 1 or (resolved",
        "return (resolved",
        (f"{_TESTS}test_a_customer_of_two_sources_has_what_both_say_whichever_came_last",),
    ),
    Fault(
        "a-blank-value-hides-what-another-source-says",
        "A blank value is no value.",
        _BY_COLUMN,
        "first_value({value} ignore nulls) over",
        "first_value({value}) over",
        (f"{_TESTS}test_a_blank_value_hides_nothing",),
    ),
    Fault(
        "the-written-order-of-sources-is-not-read",
        "`merge` says whose values come first.",
        _BY_COLUMN,
        "[*(name for name in named if name in sources), *sources]",
        "[*sources]",
        (f"{_TESTS}test_the_project_says_whose_values_come_first_of_a_table_and_of_a_column",),
    ),
    Fault(
        "another-order-of-sources-changes-nothing",
        "A changed order of sources makes the table anew.",
        "pipelines/core/merge.py",
        'kind += f":{order.mark}" if',
        'kind += ":" if',
        (f"{_TESTS}test_another_order_of_sources_makes_the_table_anew",),
    ),
    Fault(
        "a-default-hides-what-another-source-says",
        "A source that does not map a column says nothing of it.",
        "pipelines/core/following.py",
        "cast({quote(name) if given else 'null'} as",
        "cast({quote(name)} as",
        (f"{_TESTS}test_a_column_that_a_source_does_not_map_says_nothing_even_with_a_default",),
    ),
    Fault(
        "an-amount-beside-the-currency-of-another-source",
        "An amount and its currency come from one row.",
        _BY_COLUMN,
        "if column not in self.contract.stated_together:\n            order = ",
        "if column:\n            order = ",
        (f"{_TESTS}test_an_amount_and_its_currency_come_from_the_first_source_that_has_an_amount",),
    ),
    Fault(
        "an-absorbed-customer-comes-first",
        "Of merged customers the survivor's own values come first.",
        _BY_COLUMN,
        "then 0 else 1 end",
        "then 1 else 0 end",
        (f"{_TESTS}test_of_merged_customers_the_survivors_values_come_first_then_those_of_the_absorbed",),
    ),
    Fault(
        "a-disagreement-that-ended-is-told",
        "Where sources agree again, they are not told to disagree.",
        "pipelines/core/following.py",
        'engine.delete(table, f"({key}) in (select ({key}) from {given} as g)")',
        'engine.delete(table, "false")',
        (f"{_TESTS}test_where_sources_disagree_is_kept_by_place_and_gone_when_they_agree",),
    ),
    Fault(
        "a-value-is-said-to-be-of-the-first-source",
        "Provenance is of the value, not of the row.",
        "pipelines/core/queries/provenance_of_value.sql",
        'where "$says" and (s._nth = 1 or not "$together")',
        'where s._nth = 1 and ("$says" or not "$together")',
        (f"{_TESTS}test_every_column_has_the_first_value_that_a_source_gives[customers]",),
    ),
    Fault(
        "a-column-that-the-second-source-lost-is-not-told",
        "A file that lost a column is told of, whichever source has its keys first.",
        "pipelines/ingest/filled.py",
        "    if relation_exists(con, known):\n",
        "    if not known:\n",
        (
            "tests/unit/ingest/test_ingest_attributes.py"
            "::test_what_a_source_lost_is_told_though_another_source_has_the_keys_first",
        ),
    ),
)
