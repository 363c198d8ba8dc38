"""The families of features of accounts, a SELECT each beside this module."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.config.features import Features
from pipelines.core.facts import tables_read
from pipelines.engine import Statement, literal, load_fragment, load_query, quote, reading
from pipelines.features.families.reach import CHANNELS, ending_of
from pipelines.features.families.response import OF_ACCOUNTS
from pipelines.features.feature import (
    COUNT,
    DATE,
    FIRMOGRAPHIC,
    GEOGRAPHIC,
    MEMBERS,
    MONEY,
    NUMBER,
    PIPELINE,
    REACHABILITY,
    TEXT,
    Feature,
    Fragment,
    slug,
)

_ACCOUNTS = ("accounts",)
_CONTACTS = ("contacts",)
_DEALS = ("opportunities",)
_LEADS = ("leads",)
_ORDERS = ("orders",)


def _company(name: str, unit: str, kind: str, meaning: str, family: str = FIRMOGRAPHIC) -> Feature:
    return Feature(name, family, unit, kind, meaning, _ACCOUNTS)


def _count(name: str, family: str, unit: str, meaning: str, needs: tuple[str, ...], *also: str) -> Feature:
    return Feature(name, family, unit, COUNT, meaning, needs, default="0", also=also)


def _reachable(channel: str, meaning: str) -> Feature:
    """How many contacts may be addressed: the latest consent with a day, else what the contact's row says."""
    also = sorted(tables_read("consents", "account") - {*_CONTACTS})
    return _count(f"contacts_reachable_{channel}", REACHABILITY, "persons", meaning, _CONTACTS, *also)


def _money(name: str, family: str, meaning: str, needs: tuple[str, ...]) -> Feature:
    return Feature(name, family, "currency", MONEY, meaning, needs, default="0")


def _fragment(
    name: str, needs: tuple[str, ...], *features: Feature, shared: tuple[str, ...] = ()
) -> Fragment:
    text = load_fragment(f"features/accounts/{name}").sql
    return Fragment(name, features, needs, shared=shared, text=text, entity="account")


# `company` says which accounts there are, and comes first.
FRAGMENTS: tuple[Fragment, ...] = (
    _fragment(
        "company",
        _ACCOUNTS,
        _company("account_since_date", "date", DATE, "First day the CRM knew the account"),
        _company("industry", "", TEXT, "Branch of business, in the source's own classes"),
        _company("annual_revenue", "currency", MONEY, "The company's own turnover a year"),
        _company("employees", "persons", COUNT, "How many people it employs"),
        _company("country", "", TEXT, "Country of its seat", GEOGRAPHIC),
        _company("region", "", TEXT, "Region within the country", GEOGRAPHIC),
        _company("credit_rating", "", TEXT, "Credit rating, on the agency's scale"),
        _company("credit_rating_date", "date", DATE, "Day of that rating"),
        _company("credit_rating_age_days", "days", COUNT, "Days since that rating"),
        _company("parent_account_id", "", TEXT, "The company it belongs to"),
        Feature(
            "subsidiaries",
            FIRMOGRAPHIC,
            "accounts",
            COUNT,
            "Accounts that belong to it",
            _ACCOUNTS,
            default="0",
        ),
        shared=("known_account",),
    ),
    _fragment(
        "people",
        _CONTACTS,
        _count("contacts", FIRMOGRAPHIC, "persons", "Persons known at the account", _CONTACTS),
        _count(
            "decision_makers", FIRMOGRAPHIC, "persons", "Those of them who decide on purchases", _CONTACTS
        ),
        Feature(
            "decision_maker_roles",
            FIRMOGRAPHIC,
            "",
            TEXT,
            "Roles of the decision makers in alphabetical order, with a comma and a space between them",
            _CONTACTS,
        ),
        _reachable("email", "Contacts who may be sent e-mail"),
        _reachable("phone", "Contacts who may be called"),
        _reachable("post", "Contacts who may be sent letters"),
    ),
    _fragment(
        "pipeline",
        _DEALS,
        _count("open_opportunities", PIPELINE, "opportunities", "Open opportunities", _DEALS),
        _money("open_opportunity_value", PIPELINE, "Value of the open opportunities", _DEALS),
        _money("weighted_opportunity_value", PIPELINE, "The same, each times its probability", _DEALS),
        Feature(
            "deal_stage", PIPELINE, "", TEXT, "Stage of the open opportunity with the highest value", _DEALS
        ),
        _count("won_365d", PIPELINE, "opportunities", "Opportunities won in 365 days", _DEALS),
        _count("lost_365d", PIPELINE, "opportunities", "Opportunities lost in 365 days", _DEALS),
        _money("won_value_365d", PIPELINE, "Value of the opportunities won in 365 days", _DEALS),
        Feature(
            "win_rate_365d", PIPELINE, "share", NUMBER, "Won as a share of won and lost in 365 days", _DEALS
        ),
        Feature("last_won_date", PIPELINE, "date", DATE, "Day an opportunity was last won", _DEALS),
        _count(
            "opportunities_without_rate",
            PIPELINE,
            "opportunities",
            "Opportunities in a currency without a rate: their values are left out",
            _DEALS,
        ),
    ),
    _fragment(
        "order_book",
        ("opportunities", "orders"),
        _money(
            "order_book_value",
            PIPELINE,
            "Value of deals won in 365 days and after the last purchase: orders to come",
            ("opportunities", "orders"),
        ),
    ),
    _fragment(
        "lead",
        _LEADS,
        _count("leads_90d", PIPELINE, "leads", "Leads of the last 90 days", _LEADS),
        _count("leads_converted_365d", PIPELINE, "leads", "Leads converted in 365 days", _LEADS),
        Feature("last_lead_date", PIPELINE, "date", DATE, "Day of the last lead", _LEADS),
    ),
    OF_ACCOUNTS,
    _fragment(
        "members",
        _ORDERS,
        _count("members", MEMBERS, "customers", "Customers of the account", _ORDERS),
        _count(
            "active_members_90d", MEMBERS, "customers", "Those with a purchase in the last 90 days", _ORDERS
        ),
        _count(
            "orders_90d", MEMBERS, "orders", "Completed orders of the account in the last 90 days", _ORDERS
        ),
        _count("orders_365d", MEMBERS, "orders", "Completed orders of the account in 365 days", _ORDERS),
        _money("revenue_30d", MEMBERS, "Net revenue from its orders in the last 30 days", _ORDERS),
        _money("revenue_90d", MEMBERS, "Net revenue from its orders in the last 90 days", _ORDERS),
        _money("revenue_365d", MEMBERS, "Net revenue from its orders in the last 365 days", _ORDERS),
        _money("revenue_lifetime", MEMBERS, "Net revenue from its orders, ever", _ORDERS),
        Feature(
            "margin_365d",
            MEMBERS,
            "currency",
            MONEY,
            "Margin of that revenue; unknown where that of a customer is",
            _ORDERS,
        ),
        Feature("first_purchase_date", MEMBERS, "date", DATE, "Day of its first order", _ORDERS),
        Feature("last_purchase_date", MEMBERS, "date", DATE, "Day of its last order", _ORDERS),
        Feature("recency_days", MEMBERS, "days", COUNT, "Days since that order", _ORDERS),
    ),
)


def stage_name(stage: str) -> str:
    """`Proposal sent` -> `pipeline_proposal_sent`."""
    return f"pipeline_{slug(stage)}"


def configured(settings: Features, categories: Sequence[str]) -> list[Fragment]:  # noqa: ARG001 - of customers
    """The fragments a project asks for; categories are bought by customers."""
    found = [stages(settings.pipeline_stages)] if settings.pipeline_stages else []
    return [*found, *(reached(number, purpose) for number, purpose in enumerate(settings.consent_purposes))]


def reached(number: int, purpose: str) -> Fragment:
    """How many contacts may be addressed for a further purpose, a channel; of it only days are known."""
    needs = ("consents", "contacts")
    names = {channel: f"contacts_reachable_{channel}{ending_of(purpose)}" for channel in CHANNELS}
    return Fragment(
        f"reached{ending_of(purpose)}",
        features=tuple(
            _count(name, REACHABILITY, "persons", f"Contacts with consent to {how} for {purpose}", needs)
            for name, how in zip(names.values(), CHANNELS.values(), strict=True)
        ),
        needs=needs,
        text=reading(
            load_fragment("features/accounts/reached").filled(
                purpose=Statement(f"$reached_{number}"),
                reached={
                    name: Statement(
                        f"count(distinct k.contact_id) filter (where s.channel = {literal(channel)})"
                    )
                    for channel, name in names.items()
                },
            ),
            {"core.consents": load_query("core/queries/contact_consent").sql},
        ),
        parameters={f"reached_{number}": purpose.strip().lower()},
        entity="account",
    )


def stages(wanted: Sequence[str]) -> Fragment:
    """The value that is open at each configured stage, as far as it is in the project's currency."""
    columns = ", ".join(
        f"cast(coalesce(sum(value) filter (where stage = $stage_{i}), 0) as decimal(18, 4))"
        f" as {quote(stage_name(stage))}"
        for i, stage in enumerate(wanted)
    )
    return Fragment(
        "stages",
        features=tuple(
            _money(stage_name(stage), PIPELINE, f"Open value at stage {stage}", _DEALS) for stage in wanted
        ),
        needs=_DEALS,
        text=f"select account_id, {columns} from facts.opportunities where outcome = 'open'"
        " and upper(coalesce(nullif(currency, ''), $currency)) = $currency group by account_id",
        parameters={f"stage_{i}": stage for i, stage in enumerate(wanted)},
        entity="account",
    )
