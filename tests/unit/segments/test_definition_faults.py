"""A fault in a definition names its file, line and place, before anything runs."""

from pathlib import Path

import pytest
from population import RULES, load
from test_definition_kinds import SCORES, TIERS

from pipelines.errors import ConfigError
from pipelines.segments.binding import fault_of

ONE_SCORE = SCORES.format(bins=5, segments="  - {id: one, name: One, when: r > 1}")


def fault(folder: Path, *texts: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, *(text.strip() for text in texts))
    return str(caught.value).replace(f"{folder}/", "")


def condition_fault(folder: Path, condition: str) -> str:
    quoted = condition.replace('"', '\\"')
    return fault(folder, RULES.replace("recency_days <= 30", f'"{quoted}"'))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("recency_day > 3", "is not a feature of the catalogue; did you mean recency_days"),
        ("preferred_category = 'x'", "needs order_lines and products, which no source of this project maps"),
        ("revenue_365d", "revenue_365d is a number, not a condition"),
        ("'a'", "'a' is text, not a condition"),
        ("null", "not a condition"),
        ("recency_days + 1", "recency_days + 1 is a number, not a condition"),
        ("recency_days = 'abc'", "recency_days is a number, compared with text 'abc'"),
        ("in_crm and recency_days in ('x')", "recency_days is a number, compared with text 'x'"),
        ("preferred_store = 1", "preferred_store is text, compared with the number 1"),
        ("preferred_store > revenue_365d", "preferred_store is text, compared with a number"),
        (
            "last_purchase_date > 'yesterday'",
            "last_purchase_date is a date, compared with text 'yesterday'; expected a date such as",
        ),
        ("sum(orders_365d) > 1", "aggregate"),
        ("recency_days > 3; drop table x", "expected one expression"),
        ("recency_days >", "is not an SQL expression"),
    ],
)
def test_a_condition_that_cannot_decide_is_refused_in_its_place(
    tmp_path: Path, condition: str, said: str
) -> None:
    message = condition_fault(tmp_path, condition)
    assert message.startswith("one.yaml:6: segments.1.when: ")
    assert said in message


@pytest.mark.parametrize(
    "condition",
    ["in_crm", "not in_crm", "true", "preferred_store like 'a%'", "try_cast(preferred_store as int) > 1",
     "last_purchase_date > '2024-01-01'", "revenue_365d / orders_365d > 3", "share_meat_365d > 0.5"],
)  # fmt: skip
def test_a_condition_that_can_decide_is_taken(tmp_path: Path, condition: str) -> None:
    load(tmp_path, RULES.replace("recency_days <= 30", f'"{condition}"'))


def test_a_fault_of_types_is_found_without_customers() -> None:
    assert fault_of('"a" = "b"', {"a": "BIGINT", "b": "DATE"})
    assert fault_of('"a" = "b"', {"a": "BIGINT", "b": "DOUBLE"}) is None


@pytest.mark.parametrize(
    ("text", "old", "new", "said"),
    [
        (RULES, "id: near", "id: new", "one.yaml:6: segments.1.id: new is the id of an earlier segment too"),
        (RULES, "id: away", "id: new", "one.yaml:7: otherwise.id: new is the id of an earlier segment too"),
        (
            RULES,
            "name: Near",
            "name: New",
            "one.yaml:6: segments.1.name: New is the name of an earlier segment too",
        ),
        (TIERS, "id: low", "id: top", "one.yaml:8: tiers.2.id: top is the id"),
        (ONE_SCORE, "id: outside", "id: one", "one.yaml:11: outside.id: one is the id"),
        (ONE_SCORE, "r > 1", "x > 1", "one.yaml:9: segments.0.when: "),
        (ONE_SCORE, "r > 1", "r", "one.yaml:9: segments.0.when: r is a number of points, not a condition"),
        (ONE_SCORE, "orders_365d > 0", "orders_365d", "one.yaml:4: population: "),
        (ONE_SCORE, "  m: ", "  orders_365d: ", "one.yaml:7: scores.orders_365d: the score is named like"),
        (ONE_SCORE, "  m: ", "  customer_id: ", "one.yaml:7: scores.customer_id: the score is named like"),
        (ONE_SCORE, "  m: ", "  preferred_category: ", "one.yaml:7: scores.preferred_category: the score"),
        (
            ONE_SCORE,
            "feature: revenue_365d",
            "feature: revenue",
            "one.yaml:7: scores.m.feature: revenue is not a",
        ),
        (ONE_SCORE, "feature: revenue_365d", "feature: in_crm", "in_crm is BOOLEAN; expected a number"),
        (ONE_SCORE, "low, bins: 5", "low, bins: 1", "one.yaml:6: scores.r.bins: "),
        (TIERS, "by: revenue_365d", "by: revenue_365", "one.yaml:4: by: revenue_365 is not a feature"),
        (TIERS, "by: revenue_365d", "by: preferred_store", "one.yaml:4: by: preferred_store is VARCHAR"),
        (TIERS, "until: 0.8", "until: 0.4", "one.yaml:5: tiers: `until` must rise from tier to tier"),
        (TIERS, "until: 1}", "until: 0.9}", "one.yaml:5: tiers: `until` must rise from tier to tier and end"),
        (TIERS, "until: 0.8", "until: 1.8", "one.yaml:7: tiers.1.until: "),
        (RULES, "name: Near", "nam: Near", "one.yaml:6: segments.1.nam: no such setting; did you mean name"),
        (RULES, "kind: rules", "kind: rule", "one.yaml"),
        (RULES, "kind: rules", "sort: rules", "one.yaml"),
        (RULES, "kind: rules", "kind: [rules]", "one.yaml"),
        (RULES, "segmentation: cycle", "segmentation: Cycle", "one.yaml:1: segmentation: "),
    ],
)
def test_a_fault_names_file_line_and_place(tmp_path: Path, text: str, old: str, new: str, said: str) -> None:
    assert old in text
    assert said in fault(tmp_path, text.replace(old, new, 1))


def test_an_unknown_feature_is_answered_with_the_nearest(tmp_path: Path) -> None:
    assert "did you mean revenue_365d" in fault(
        tmp_path, TIERS.replace("by: revenue_365d", "by: revenue_356d")
    )


def test_one_segmentation_in_two_files_is_refused(tmp_path: Path) -> None:
    message = fault(tmp_path, RULES, RULES)
    assert message.startswith("two.yaml:1: segmentation cycle is defined in one.yaml too")


@pytest.mark.parametrize("folder", ["", "missing"])
def test_a_project_without_definitions_is_refused(tmp_path: Path, folder: str) -> None:
    assert "no segment definitions" in fault(tmp_path / folder)
