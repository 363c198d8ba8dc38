"""Faults of features: windows, who is computed again, as-of days, attributes, accounts, a project's own."""

from __future__ import annotations

from .fault import Fault

_INCREMENTAL = "tests/unit/features/test_incremental.py"
_AS_OF = "tests/unit/features/test_as_of.py"

FAULTS = (
    Fault(
        "a-window-has-a-day-too-many",
        "A window of 30 days as of a day is that day and the 29 before it.",
        "pipelines/features/recipe.py",
        "as_of - timedelta(days=days - 1)",
        "as_of - timedelta(days=days)",
        ("tests/unit/features/test_customer_features.py::test_every_column_of_a_regular_buyer",),
    ),
    Fault(
        "nobody-ages-out-of-a-window",
        "A customer whose activity falls out of a window is computed again on that day.",
        "pipelines/features/compute.py",
        "        for length in windows\n",
        "        for length in windows[:0]\n",
        (f"{_INCREMENTAL}::test_time_alone_takes_an_order_out_of_each_window",),
    ),
    Fault(
        "an-order-of-a-later-day-never-begins-to-count",
        "Rows that were known before their day begin to count on it.",
        "pipelines/features/compute.py",
        'ranges = [f"({day} > cast($before as date) and {day} <= cast($as_of as date))"]',
        'ranges = [f"({day} > cast($before as date) and {day} < cast($as_of as date))"]',
        (f"{_INCREMENTAL}::test_time_alone_brings_an_order_that_is_already_known",),
    ),
    Fault(
        "a-changed-customer-is-not-stale",
        "Whoever core marks is computed again, whatever else marks nobody.",
        "pipelines/features/state.py",
        "from ingest.dirty_day union select customer_id from ingest.dirty_customer",
        "from ingest.dirty_day",
        (f"{_INCREMENTAL}::test_what_is_kept_up_day_by_day_equals_a_rebuild",),
    ),
    Fault(
        "days-that-lost-their-orders-stay",
        "A day that is dirty and has no order any more leaves the state.",
        "pipelines/features/state.py",
        "$first and $last and (customer_id, business_date) in",
        "$first and $last and (customer_id, business_date) in"
        " (select (customer_id, business_date) from core.orders) and (customer_id, business_date) in",
        (f"{_AS_OF}::test_a_customer_whose_orders_are_gone_leaves_the_state",),
    ),
    Fault(
        "an-earlier-first-purchase-changes-no-entry",
        "The entry of a customer is computed again when a day up to it changes.",
        "pipelines/features/scope/entries.sql",
        "where e.customer_id is null or d.business_date <= e.first_date",
        "where e.customer_id is null or d.business_date < e.first_date - 400",
        (
            "tests/unit/features/test_families.py"
            "::test_a_purchase_before_the_first_one_known_changes_the_entry",
        ),
    ),
    Fault(
        "a-value-expires-unnoticed",
        "A customer with a value that expires on the way is computed again.",
        "pipelines/features/attributes.py",
        'f" <> {binding(',
        'f" = {binding(',
        (f"{_INCREMENTAL}::test_time_alone_lets_a_value_hold_and_expire",),
    ),
    Fault(
        "a-window-of-a-family-that-nobody-leaves",
        "A family whose SELECT has a window that its ages lack is refused.",
        "pipelines/features/feature.py",
        "and not bound <= aged",
        "and not bound <= aged | bound",
        (
            "tests/unit/features/test_fragments_whole.py"
            "::test_a_window_that_nobody_is_computed_anew_at_the_end_of_is_refused",
        ),
    ),
    Fault(
        "a-fact-of-tomorrow-counts",
        "As of a day nothing later is read.",
        "pipelines/core/facts/__init__.py",
        'holds = [f"{day} <= $as_of",',
        'holds = [f"{day} <= $as_of + 400",',
        (f"{_AS_OF}::test_as_of_a_day_no_later_event_is_read",),
    ),
    Fault(
        "a-state-of-another-recipe-goes-on",
        "A state made by another recipe is made anew.",
        "pipelines/features/compute.py",
        "return known == made.fingerprint and stale == 0 and",
        "return known is not None and stale == 0 and",
        (f"{_AS_OF}::test_a_state_made_by_another_recipe_is_made_anew",),
    ),
    Fault(
        "a-carried-day-keeps-who-aged",
        "A past day carried on from an earlier one computes anew whoever aged between them.",
        "pipelines/features/compute.py",
        '" anti join features.scope as s on s.customer_id = known.customer_id where as_of_date = $after"',
        '" where as_of_date = $after and known.customer_id not in (select customer_id from features.scope'
        ' limit 1)"',
        (f"{_AS_OF}::test_a_past_day_carried_on_from_an_earlier_one_is_the_day_computed_alone",),
    ),
    Fault(
        "the-scope-is-not-that-of-the-state",
        "Few customers computed alone come out as among everyone.",
        "pipelines/features/scoped.py",
        'as r semi join {keys} as s on {on}"',
        'as r semi join (from {keys} limit 1) as s on {on}"',
        ("tests/unit/features/test_scoped.py::test_those_in_scope_come_out_as_among_everyone",),
    ),
    Fault(
        "a-customer-without-account-belongs-nowhere",
        "A customer without an account belongs to the account of the same id.",
        "pipelines/features/accounts/members.sql",
        "coalesce(c.account_id, f.customer_id) as account_id,",
        "c.account_id,",
        ("tests/unit/features/test_accounts.py::test_an_account_of_which_little_is_known",),
    ),
    Fault(
        "a-closed-ticket-stays-open",
        "A customer whose ticket closes is computed again on that day.",
        "pipelines/features/feature.py",
        "ended = (Ageing(relation, fact.ends.day),) if fact.ends else ()",
        "ended = ()",
        (f"{_INCREMENTAL}::test_time_alone_closes_a_ticket_and_ends_a_window",),
    ),
    Fault(
        "a-consent-outweighs-a-withdrawal-of-its-day",
        "Of what is said of a consent on one day a withdrawal outweighs.",
        "pipelines/features/families/standing_consent.sql",
        "bool_and(granted) as granted",
        "bool_or(granted) as granted",
        ("tests/unit/core/test_consents.py::test_the_latest_day_holds_and_on_it_a_withdrawal",),
    ),
    Fault(
        "purposes-are-one",
        "A consent is for its purpose and no other.",
        "pipelines/features/families/standing_consent.sql",
        "partition by customer_id, channel, lower(purpose) order",
        "partition by customer_id, channel order",
        ("tests/unit/core/test_consents.py::test_the_latest_day_holds_and_on_it_a_withdrawal",),
    ),
    Fault(
        "what-a-contact-said-as-a-customer-is-lost",
        "The customer of a contact's id and account is the same person.",
        "pipelines/core/queries/contact_consent.sql",
        "m.account_id = p.account_id",
        "m.account_id <> p.account_id",
        (
            "tests/unit/core/test_consents.py"
            "::test_what_a_contact_said_on_a_day_outweighs_the_column_without_one",
        ),
    ),
)
