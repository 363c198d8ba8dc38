"""The manual of segments: its examples load, and its messages of refusal are those that are given."""

import re
from pathlib import Path

import pytest

from pipelines.contracts.registry import CONTRACTS
from pipelines.features.catalogue import absent, catalogue
from pipelines.segments.definitions import load_definitions

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "segments.md").read_text(encoding="utf-8")
EXAMPLES = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "segmentation:" in block]
MAPPED = ["orders", "customers", "accounts", "contacts"]
ROW = re.compile(r"^\| `([^|]+)` \| (.+) \|$", re.MULTILINE)
REFUSALS = ROW.findall(PAGE.split("without file and line at their front")[1])
LOYAL = """
segmentation: lifecycle
name: Lifecycle
kind: rules
segments: [{id: loyal, name: Loyal, when: purchase_days_90d > 9}]
otherwise: {id: rest, name: Rest}
"""
ASKED = """
segmentation: asked
name: Asked
kind: rules
segments:
  - id: a
    name: A
    when: >-
      {}
otherwise: {{id: b, name: B}}
"""


def test_every_example_of_the_manual_loads(tmp_path: Path) -> None:
    folder = tmp_path / "segments"
    folder.mkdir()
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "gold.csv").write_text("customer_id\n1\n")
    (tmp_path / "lists" / "fair.csv").write_text("Customer\n1\n")
    for i, text in enumerate(EXAMPLES):
        (folder / f"{i}.yaml").write_text(text)
    found = load_definitions(folder, {"customer": catalogue("customer", CONTRACTS, [])})
    assert found.faults == {}
    kinds = {one.definition.kind for one in found.segmentations}
    assert kinds == {"rules", "scores", "tiers", "combination", "audiences", "lists"}


@pytest.mark.parametrize(("condition", "said"), REFUSALS, ids=[one[0] for one in REFUSALS])
def test_a_refusal_is_told_as_the_manual_says(tmp_path: Path, condition: str, said: str) -> None:
    features = catalogue("customer", MAPPED, [("country", "VARCHAR"), ("credit_rating_date", "DATE")])
    (tmp_path / "lifecycle.yaml").write_text(LOYAL)
    (tmp_path / "asked.yaml").write_text(ASKED.format(condition))
    found = load_definitions(
        tmp_path, {"customer": features}, {"customer": absent("customer", MAPPED)}, MAPPED
    )
    message = str(found.faults["asked"]).splitlines()[0]
    # A list in a message may grow: the manual shows how it begins.
    told = message.split("segments.0.when: ")[1]
    assert re.fullmatch(re.escape(said).replace("…", ".+"), told), told


def test_the_manual_tells_of_refusals() -> None:
    assert len(REFUSALS) > 20
