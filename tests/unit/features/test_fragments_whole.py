"""What a new family is forgotten in: its place in the list, who counts, and whom time alone changes."""

import pkgutil
from dataclasses import replace
from importlib import import_module

import pytest
from shop import SETTINGS

from pipelines.contracts.registry import FACTS
from pipelines.core.facts import HAPPENED
from pipelines.engine import Statement, load_fragment
from pipelines.features import families
from pipelines.features.families import FRAGMENTS, configured, feedback
from pipelines.features.feature import Fragment, ages_of

EVERY = [*FRAGMENTS, *configured(SETTINGS, ["A"])]
# Whoever was chosen for a campaign is a customer, held back or not.
WHOEVER = {("person", "campaign_contacts")}
READ = [
    pytest.param(fragment, relation.removeprefix("facts."), id=f"{fragment.name}-{relation}")
    for fragment in EVERY
    for relation in dict.fromkeys(
        name
        for written in (
            fragment.written,
            *(load_fragment(f"features/families/{name}").sql for name in fragment.shared),
        )
        for name in Statement(written).inputs
    )
    if relation.startswith("facts.")
]


def test_every_family_that_stands_in_the_folder_is_listed() -> None:
    modules = [
        import_module(f"{families.__name__}.{found.name}")
        for found in pkgutil.iter_modules(families.__path__)
    ]
    lost = [module.__name__ for module in modules if getattr(module, "FRAGMENT", EVERY[0]) not in EVERY]
    assert lost == [], "list its FRAGMENT in pipelines/features/families/__init__.py"


@pytest.mark.parametrize(("fragment", "table"), READ)
def test_a_family_asks_which_facts_count(fragment: Fragment, table: str) -> None:
    counts = FACTS[table].counts
    if counts is None or (fragment.name, table) in WHOEVER:
        return
    read = [fragment.written, *(load_fragment(f"features/families/{name}").sql for name in fragment.shared)]
    names = frozenset().union(*(Statement(written).names for written in read))
    assert names & {HAPPENED, counts.column}, (
        f"{fragment.name} counts every row of facts.{table}: ask for `{HAPPENED}`, or for {counts.column}"
    )


@pytest.mark.parametrize(("fragment", "table"), READ)
def test_time_alone_changes_whom_a_family_reads(fragment: Fragment, table: str) -> None:
    aged = {(age.relation, age.day) for age in fragment.ages}
    lacking = {(age.relation, age.day) for age in ages_of(table)} - aged
    assert not lacking, f"add ages_of({table!r}, …) to the `ages` of {fragment.name}"


def test_a_family_whose_columns_are_not_its_features_is_refused() -> None:
    given = feedback.FRAGMENT
    lacks = replace(given, features=given.features[1:])
    with pytest.raises(
        ValueError, match=r"fragment feedback: .*no feature is stored from its column nps_latest"
    ):
        _ = lacks.sql
    renamed = replace(given.features[0], name="nps_last")
    with pytest.raises(ValueError, match=r"no column nps_last, .* column nps_latest\. Give"):
        _ = replace(given, features=(renamed, *given.features[1:])).sql


def test_a_window_that_nobody_is_computed_anew_at_the_end_of_is_refused() -> None:
    with pytest.raises(ValueError, match=r"fragment feedback: its SELECT binds from_90, .*ages_of"):
        _ = replace(feedback.FRAGMENT, ages=ages_of("feedback", (30,))).sql
