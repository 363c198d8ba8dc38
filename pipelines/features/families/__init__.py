"""The families of features: a module and a SELECT each. To add one, write both and list it here."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.config.features import Features
from pipelines.features.families import (
    breadth,
    category,
    channel,
    device,
    entry,
    feedback,
    hour,
    interaction,
    person,
    purchase,
    reach,
    response,
    returns,
    store,
    survey,
    weekday,
)
from pipelines.features.feature import Fragment

# In the order of the catalogue; `person` says who is a customer at all, and comes first.
FRAGMENTS: tuple[Fragment, ...] = (
    person.FRAGMENT,
    purchase.FRAGMENT,
    returns.FRAGMENT,
    weekday.FRAGMENT,
    hour.FRAGMENT,
    channel.FRAGMENT,
    store.FRAGMENT,
    category.FRAGMENT,
    entry.FRAGMENT,
    interaction.FRAGMENT,
    response.FRAGMENT,
    device.FRAGMENT,
    feedback.FRAGMENT,
    reach.FRAGMENT,
)


def configured(settings: Features, categories: Sequence[str]) -> list[Fragment]:
    """The fragments a project asks for; one that is named like one of every project takes its place."""
    found = []
    if settings.scores_expire_after:
        found.append(feedback.expiring(settings.scores_expire_days))
    if categories:
        found.append(category.shares(categories))
    if settings.channel_shares:
        found.append(channel.shares(settings.channel_shares))
    if settings.product_breadth:
        found.append(breadth.FRAGMENT)
    found += survey.scales(settings.scales)
    if settings.questions:
        found.append(survey.answers(settings.questions))
    found += reach.purposes(settings.consent_purposes)
    return found
