"""HTTP interfaces that are known: what `http.template` starts from.

A template is what a project would write by hand under `http:`; whatever the project writes wins. Names of
variables are customary ones. Nested objects arrive as columns joined by two underscores (`customer__id`).
"""

from __future__ import annotations

from typing import Any

# Two requests a second, Retry-After with a fraction (shopify.dev, REST rate limits). The link to a next page
# takes no parameter beside its own (shopify.dev, REST pagination).
_SHOPIFY: dict[str, Any] = {
    "pagination": {"kind": "link"},
    "cursor": {"column": "updated_at", "param": "updated_at_min", "lookback": "1h"},
    "auth": {"kind": "header", "header": "X-Shopify-Access-Token", "token_from": "SHOPIFY_ACCESS_TOKEN"},
    "requests_per_second": 2,
}

# The listing, not the search, which gives no more than 10,000 rows (developers.hubspot.com, CRM search).
_HUBSPOT: dict[str, Any] = {
    "base_url": "https://api.hubapi.com",
    "rows": "results",
    "pagination": {"kind": "cursor", "next": "paging.next.after", "param": "after"},
    "auth": {"kind": "bearer", "token_from": "HUBSPOT_ACCESS_TOKEN"},
    "requests_per_second": 9,
}


def _hubspot(kind: str, properties: str, associations: str = "") -> dict[str, Any]:
    params: dict[str, Any] = {"limit": 100, "properties": properties}
    if associations:
        params["associations"] = associations
    return {**_HUBSPOT, "endpoint": f"/crm/v3/objects/{kind}", "params": params}


TEMPLATES: dict[str, dict[str, Any]] = {
    "shopify.orders": {
        **_SHOPIFY,
        "endpoint": "orders.json",
        "params": {"status": "any", "limit": 250},
        "rows": "orders",
    },
    "shopify.order_lines": {
        **_SHOPIFY,
        "endpoint": "orders.json",
        "params": {"status": "any", "limit": 250},
        "rows": "orders",
        "explode": "line_items",
    },
    "shopify.customers": {
        **_SHOPIFY,
        "endpoint": "customers.json",
        "params": {"limit": 250},
        "rows": "customers",
    },
    "hubspot.contacts": _hubspot(
        "contacts", "email,firstname,lastname,jobtitle,lifecyclestage,country,createdate,lastmodifieddate"
    ),
    "hubspot.companies": _hubspot(
        "companies", "name,domain,industry,annualrevenue,numberofemployees,country,createdate"
    ),
    "hubspot.deals": _hubspot(
        "deals", "dealname,dealstage,pipeline,amount,deal_currency_code,closedate,createdate"
    ),
    # Consent is a property of the contact: what was opted out of, and on which legal basis mail is sent.
    "hubspot.consent": _hubspot("contacts", "email,hs_email_optout,hs_legal_basis,hs_marketable_status"),
    # A charge changes (refunds, disputes) and its `created` does not: the lookback reads those changes again.
    "stripe.charges": {
        "base_url": "https://api.stripe.com",
        "endpoint": "/v1/charges",
        "params": {"limit": 100},
        "rows": "data",
        "pagination": {
            "kind": "cursor",
            "next": "data[-1].id",
            "param": "starting_after",
            "more": "has_more",
        },
        "cursor": {"column": "created", "param": "created[gte]", "type": "seconds", "lookback": "90d"},
        "auth": {"kind": "bearer", "token_from": "STRIPE_API_KEY"},
        "requests_per_second": 20,
    },
}
