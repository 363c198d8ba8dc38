"""Faults of publication: parts that are held, the bridge, keys, the breaker, the swap."""

from __future__ import annotations

from .fault import Fault

_PARTS = "tests/unit/publish/test_parts.py"
_PUBLICATION = "tests/unit/publish/test_publication.py"

FAULTS = (
    Fault(
        "rates-price-nothing",
        "What customers buy depends on the sources of rates too.",
        "pipelines/contracts/bearing.py",
        "frozenset(found).union(*(fact.amounts.terms for fact in found.values() if fact.amounts))",
        "frozenset(found)",
        (f"{_PARTS}::test_a_part_depends_on_the_sources_behind_the_features_it_reads",),
    ),
    Fault(
        "a-held-part-goes-out",
        "Rows of a segmentation that is held stay as they were published.",
        "pipelines/publish/parts.py",
        "select * from ({sql}) where not list_contains($held, segmentation_id){standing}{kept}",
        "select * from ({sql}) where true or list_contains($held, segmentation_id)",
        (f"{_PARTS}::test_what_depends_on_a_held_source_stays_as_it_was",),
    ),
    Fault(
        "held-since-the-last-run",
        "A part says since when it has been held.",
        "pipelines/publish/parts.py",
        '(last.get("held_since") or at) if reasons else None,',
        "at if reasons else None,",
        (f"{_PARTS}::test_it_is_told_what_is_held_and_since_when",),
    ),
    Fault(
        "as-fresh-as-the-freshest",
        "A part is as fresh as the oldest of its sources.",
        "pipelines/publish/parts.py",
        "select min(watermark_at) from ingest.freshness where warn_after_days is not null",
        "select max(watermark_at) from ingest.freshness where warn_after_days is not null",
        (f"{_PARTS}::test_rows_say_the_oldest_watermark_among_their_own_sources",),
    ),
    Fault(
        "the-bridge-loses-vat",
        "The bridge leads from the gross total to net revenue, step by step.",
        "pipelines/publish/marts/revenue_bridge.sql",
        "when 'vat' then - w.vat",
        "when 'vat' then w.vat",
        (
            "tests/unit/core/test_money.py"
            "::test_the_bridge_leads_from_the_gross_total_to_net_revenue_step_by_step",
        ),
    ),
    Fault(
        "two-truths-are-published",
        "A bridge that does not end at the other marts is not published.",
        "pipelines/publish/bridge.py",
        "if found and found[0] != found[1]:",
        "if found and found[0] is None:",
        (
            "tests/unit/publish/test_metrics.py"
            "::test_a_bridge_that_does_not_lead_to_the_other_marts_is_not_published",
        ),
    ),
    Fault(
        "a-repeated-key-is-published",
        "A mart whose key repeats is not published.",
        "pipelines/publish/marts.py",
        "    if row and row[0]:\n",
        "    if row and row[0] is None:\n",
        ("tests/unit/publish/test_marts.py::test_a_key_that_repeats_leaves_every_mart_as_it_was",),
    ),
    Fault(
        "the-breaker-does-not-break",
        "Nothing is published while a member of a recorded day stands in no segment.",
        "pipelines/segments/history.py",
        "        if members != placed:\n",
        "        if members < 0:\n",
        (
            "tests/unit/segments/test_history.py::test_publishing_checks_once_more_that_everyone_has_a_segment",
        ),
    ),
    Fault(
        "the-link-moves-before-the-run-is-whole",
        "A reader stands in a whole run, also when publishing fails half-way.",
        "resources/publication.py",
        "        temporary.mkdir()\n        _write_tables(",
        '        temporary.mkdir()\n        _point(published / "current", Path("runs") / temporary.name)\n'
        "        _write_tables(",
        (f"{_PUBLICATION}::test_a_fault_halfway_leaves_the_current_run_where_it_was",),
    ),
    Fault(
        "the-link-is-gone-for-a-moment",
        "There is a current run at every moment while another takes its place.",
        "resources/publication.py",
        "    temporary.replace(link)\n",
        "    link.unlink(missing_ok=True)\n    temporary.replace(link)\n",
        (f"{_PUBLICATION}::test_the_link_is_replaced_and_never_taken_away",),
    ),
    Fault(
        "the-current-run-is-pruned",
        "The run that is current stays, however many are kept.",
        "resources/publication.py",
        "others = [path for path in folders if path.name != current]",
        'others = [path for path in folders if path.name != ""]',
        (f"{_PUBLICATION}::test_the_newest_runs_stay_and_the_current_one_always",),
    ),
    Fault(
        "a-spreadsheet-runs-a-text",
        "No text of a CSV file is run as a formula.",
        "resources/publication.py",
        "'^[=+@\\\\t\\\\r-]'",
        "'^[=]'",
        (f"{_PUBLICATION}::test_a_formula_in_a_text_is_harmless_in_csv_and_kept_elsewhere",),
    ),
)
