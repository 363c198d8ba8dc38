"""Faults of what segments return and whether they moved: ROI, drift and its statistics."""

from __future__ import annotations

from .fault import Fault

_ROI = "tests/unit/roi/test_roi.py"

FAULTS = (
    Fault(
        "the-control-group-is-contacted",
        "The control group of a campaign is not contacted and costs nothing.",
        "pipelines/roi/touch.sql",
        "where c.happened",
        "where c.happened is not null",
        (f"{_ROI}::test_the_control_group_is_not_contacted_and_costs_nothing",),
    ),
    Fault(
        "a-day-of-two-campaigns-counts-twice",
        "A day with responses to several campaigns is divided among them.",
        "pipelines/roi/attribution.sql",
        "cast(cast(p.revenue as double) / d.campaigns_that_day as decimal(18, 4)) as revenue",
        "cast(cast(p.revenue as double) as decimal(18, 4)) as revenue",
        (f"{_ROI}::test_a_day_with_responses_to_two_campaigns_is_divided",),
    ),
    Fault(
        "roi-by-the-segment-after-the-campaign",
        "ROI goes by the segment of the day before the campaign.",
        "pipelines/roi/segment_campaign.sql",
        "s.as_of_date = cast(g.start_date - interval 1 day as date)",
        "s.as_of_date = cast(g.start_date as date)",
        (f"{_ROI}::test_a_customer_who_moves_on_the_first_day_counts_in_the_old_segment",),
    ),
    Fault(
        "profit-without-the-coupons",
        "Profit is margin less what contacts and coupons cost.",
        "pipelines/roi/segment_month.sql",
        "cast(margin - contact_cost - coupon_cost as decimal(18, 4)) as profit",
        "cast(margin - contact_cost as decimal(18, 4)) as profit",
        (f"{_ROI}::test_every_figure_of_a_month",),
    ),
    Fault(
        "drift-by-size-alone",
        "A change is found when it is large and real, not when it is either.",
        "pipelines/drift/verdict.py",
        "if q_value >= limits.q_max or psi < limits.psi_warn:",
        "if psi < limits.psi_warn:",
        ("tests/unit/drift/test_drift_limits.py::test_a_change_must_be_large_and_real",),
    ),
    Fault(
        "small-groups-weigh-in",
        "Groups too small to be judged take no part in the correction for many checks.",
        "pipelines/drift/verdict.py",
        "found.p_value if found and check.has(limits.minimum_n) else None",
        "found.p_value if found else None",
        (
            "tests/unit/drift/test_drift_limits.py"
            "::test_small_groups_take_no_part_in_the_correction_for_many_checks",
        ),
    ),
    Fault(
        "an-index-of-one-side",
        "The stability index is the same whichever day is called the baseline.",
        "pipelines/stats/psi.py",
        "(q - p) * math.log(q / p)",
        "q * math.log(q / p)",
        (
            "tests/unit/stats/test_psi.py::test_the_index_is_never_negative_and_does_not_depend_on_the_direction",
        ),
    ),
    Fault(
        "another-days-shares",
        "Shares are those of the day judged and of its baseline.",
        "pipelines/drift/queries/size_of_segment.sql",
        "count(*) filter (where as_of_date = $as_of) as n_current",
        "count(*) filter (where as_of_date <= $as_of) as n_current",
        (
            "tests/unit/drift/test_drift_counts.py::test_shares_are_counted_per_segmentation_over_the_segments_of_either_day",
        ),
    ),
    Fault(
        "each-touch-is-somebody-contacted",
        "Whom a campaign contacted counts once, however often it did.",
        "pipelines/roi/contact.sql",
        "group by campaign_id, customer_id",
        "group by campaign_id, customer_id, roi.touch.contacted_on",
        ("tests/unit/roi/test_roi.py::test_three_touches_are_one_customer_contacted_at_the_cost_of_three",),
    ),
)
