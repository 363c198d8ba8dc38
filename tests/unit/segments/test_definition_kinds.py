"""What each kind of definition assigns, against small references in Python."""

import random
from fractions import Fraction
from pathlib import Path

import pytest
from population import RULES, D, empty_population, fill, load, segments_of

from pipelines.segments.definitions import load_definitions

SCORES = """
segmentation: rfm
name: RFM
kind: scores
population: orders_365d > 0
scores:
  r: {{feature: recency_days, better: low, bins: {bins}}}
  m: {{feature: revenue_365d, bins: {bins}}}
segments:
{segments}
otherwise: {{id: unscored, name: Unscored}}
outside: {{id: outside, name: Outside}}
"""
TIERS = """
segmentation: tier
name: Tier
kind: tiers
by: revenue_365d
tiers:
  - {id: top, name: Top, until: 0.5}
  - {id: middle, name: Middle, until: 0.8}
  - {id: low, name: Low, until: 1}
otherwise: {id: none, name: None}
"""
CUTS = [("top", Fraction(1, 2)), ("middle", Fraction(4, 5)), ("low", Fraction(1))]


def test_the_first_condition_that_holds_wins_and_an_unknown_one_does_not_hold(tmp_path: Path) -> None:
    con = empty_population()
    days = {"a": 10, "b": 11, "c": 30, "d": 31, "unknown": None}
    fill(con, D, {customer: {"recency_days": value} for customer, value in days.items()})
    assert segments_of(con, load(tmp_path, RULES)) == {
        "a": "new", "b": "near", "c": "near", "d": "away", "unknown": "away",
    }  # fmt: skip


def test_conditions_read_names_in_any_case_and_text_with_quotes(tmp_path: Path) -> None:
    con = empty_population()
    fill(con, D, {"a": {"preferred_store": "O'Hara"}, "b": {"preferred_store": "other"}})
    text = RULES.replace("recency_days <= 10", "\"PREFERRED_STORE = 'O''Hara'\"")
    assert segments_of(con, load(tmp_path, text)) == {"a": "new", "b": "away"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bins", [2, 5])
def test_scores_equal_the_share_that_is_strictly_worse(tmp_path: Path, seed: int, bins: int) -> None:
    rng = random.Random(seed)
    con = empty_population()
    customers = {
        f"c{i}": {
            "orders_365d": rng.choice([0, 1, 2, 3]),
            "recency_days": rng.choice([None, *range(6)]),
            "revenue_365d": rng.choice([-1, 0, 10, 10, 25, 30.5]),
        }
        for i in range(30)
    }
    fill(con, D, customers)
    pairs = [(r, m) for r in range(1, bins + 1) for m in range(1, bins + 1)]
    lines = "\n".join(f"  - {{id: r{r}m{m}, name: r{r}m{m}, when: r = {r} and m = {m}}}" for r, m in pairs)
    found = segments_of(con, load(tmp_path, SCORES.format(bins=bins, segments=lines)))

    scored = {name: row for name, row in customers.items() if row["orders_365d"] > 0}

    def score(feature: str, name: str, sign: int) -> int | None:
        """An unknown value is worse than any other, and has no score itself."""
        own = scored[name][feature]
        values = [row[feature] for row in scored.values()]
        if own is None:
            return None
        worse = sum(value is None or sign * value < sign * own for value in values)
        return 1 + bins * worse // len(values)

    for name in customers:
        if name not in scored:
            assert found[name] == "outside"
            continue
        r, m = score("recency_days", name, -1), score("revenue_365d", name, 1)
        assert found[name] == ("unscored" if r is None else f"r{r}m{m}")


def test_a_population_condition_that_is_unknown_leaves_the_customer_outside(tmp_path: Path) -> None:
    con = empty_population()
    fill(con, D, {"known": {"orders_365d": 1, "recency_days": 1}, "unknown": {"recency_days": 1}})
    text = SCORES.format(bins=2, segments="  - {id: one, name: One, when: r = 1}")
    assert segments_of(con, load(tmp_path, text)) == {"known": "one", "unknown": "outside"}


def tier_reference(values: dict[str, float | None]) -> dict[str, str]:
    valued = {name: Fraction(str(v)) for name, v in values.items() if v is not None and v > 0}
    total = sum(valued.values())
    found = dict.fromkeys(values, "none")
    for name, own in valued.items():
        above = sum((v for v in valued.values() if v > own), Fraction(0))
        found[name] = next(tier for tier, until in CUTS if until == 1 or above < until * total)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_tiers_cut_customers_in_descending_order_of_value(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    con = empty_population()
    values = {f"c{i}": rng.choice([None, -5, 0, 1, 1, 2.5, 2.5, 40, 70.25, 100]) for i in range(20)}
    fill(con, D, {name: {"revenue_365d": value} for name, value in values.items()})
    assert segments_of(con, load(tmp_path, TIERS)) == tier_reference(values)


def test_customers_of_equal_value_share_a_tier_even_across_its_end(tmp_path: Path) -> None:
    con = empty_population()
    fill(con, D, {f"c{i}": {"revenue_365d": 10} for i in range(10)})
    assert set(segments_of(con, load(tmp_path, TIERS)).values()) == {"top"}


def test_a_tier_ends_where_those_above_bring_exactly_its_share(tmp_path: Path) -> None:
    con = empty_population()
    fill(con, D, {"a": {"revenue_365d": 50}, "b": {"revenue_365d": 30}, "c": {"revenue_365d": 20}})
    assert segments_of(con, load(tmp_path, TIERS)) == {"a": "top", "b": "middle", "c": "low"}


def test_a_single_tier_takes_everyone_with_value(tmp_path: Path) -> None:
    con = empty_population()
    fill(con, D, {"a": {"revenue_365d": 1}, "b": {"revenue_365d": 0}})
    lines = [line for line in TIERS.splitlines() if "id: top" not in line and "id: middle" not in line]
    assert segments_of(con, load(tmp_path, "\n".join(lines))) == {"a": "low", "b": "none"}


def version(folder: Path, text: str) -> str:
    return load(folder, text)[0].version


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: Near", "name: Not far"),
        ("name: Life cycle", "name: Stage\ndescription: Where they stand"),
        ("recency_days <= 30", "RECENCY_DAYS<=30"),
        ("recency_days <= 30", "recency_days <= 30 /* a month */"),
    ],
)
def test_what_moves_nobody_keeps_the_version(tmp_path: Path, old: str, new: str) -> None:
    assert version(tmp_path, RULES) == version(tmp_path, RULES.replace(old, new))


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (RULES, "recency_days <= 30", "recency_days <= 31"),
        (RULES, "id: near", "id: close"),
        (RULES, "id: away", "id: gone"),
        (TIERS, "until: 0.5", "until: 0.6"),
        (TIERS, "by: revenue_365d", "by: orders_365d"),
        (
            SCORES.format(bins=5, segments="  - {id: one, name: x, when: r > 1}"),
            "low, bins: 5",
            "low, bins: 4",
        ),
        (
            SCORES.format(bins=5, segments="  - {id: one, name: x, when: r > 1}"),
            "better: low",
            "better: high",
        ),
        (SCORES.format(bins=5, segments="  - {id: one, name: x, when: r > 1}"), "365d > 0", "365d > 1"),
    ],
)
def test_what_can_move_a_customer_changes_the_version(tmp_path: Path, text: str, old: str, new: str) -> None:
    assert text.count(old) >= 1
    assert version(tmp_path, text) != version(tmp_path, text.replace(old, new, 1))


def test_the_order_of_conditions_changes_the_version(tmp_path: Path) -> None:
    lines = RULES.splitlines()
    lines[5], lines[6] = lines[6], lines[5]
    assert version(tmp_path, RULES) != version(tmp_path, "\n".join(lines))


def test_labels_stand_in_display_order_with_the_remainder_last(tmp_path: Path) -> None:
    (rules,) = load(tmp_path, RULES)
    assert [(one["segment_id"], one["position"]) for one in rules.labels()] == [
        ("new", 1), ("near", 2), ("away", 3),
    ]  # fmt: skip
    assert rules.features == {"recency_days"}


def test_the_example_project_compiles() -> None:
    from pipelines.contracts.registry import CONTRACTS
    from pipelines.features.catalogue import catalogue

    folder = Path(__file__).parents[3] / "examples" / "complete_journey" / "segments"
    shares = ["GROCERY", "PRODUCE", "MEAT", "DRUG GM", "DELI", "PASTRY", "FUEL"]
    crm = (
        "age",
        "income",
        "home_ownership",
        "marital_status",
        "household_size",
        "household_comp",
        "kids_count",
    )
    features = catalogue("customer", CONTRACTS, [(name, "VARCHAR") for name in crm], None, shares)
    found = load_definitions(folder, {"customer": features}).checked()
    assert {one.id for one in found} == {path.stem for path in folder.glob("*.yaml")}
