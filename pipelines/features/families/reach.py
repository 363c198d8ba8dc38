"""Through which channels a customer may be addressed, for marketing and for each purpose a project names."""

from collections.abc import Sequence

from pipelines.core.facts import tables_read
from pipelines.core.facts.known import PURPOSE
from pipelines.engine import binding, load_fragment, named
from pipelines.features.feature import COUNT, FLAG, REACHABILITY, Ageing, Feature, Fragment, ages_of, slug

_NEEDS = ("consents",)
# They say which customer a contact is.
_ALSO = tuple(sorted(tables_read("consents", "customer") - {*_NEEDS}))
CHANNELS = {
    "email": "e-mail",
    "sms": "text message",
    "phone": "phone",
    "post": "letter",
    "push": "push message",
}
# Whoever speaks, as a customer or as a contact.
_AGES = (
    *ages_of("consents"),
    Ageing(
        "(select coalesce(i.survivor_id, c.contact_id) as customer_id, c.changed_on from core.consents as c"
        " left join core.customer_id_map as i on i.customer_id = c.contact_id where c.customer_id is null)",
        "changed_on",
    ),
)


def _features(purpose: str, ending: str = "") -> tuple[Feature, ...]:
    words = f" for {purpose}" if ending else ""
    return (
        *(
            Feature(
                f"reachable_{channel}{ending}",
                REACHABILITY,
                "",
                FLAG,
                f"Consent to {how}{words}, as last given or withdrawn; NULL where none is on record",
                _NEEDS,
                also=_ALSO,
            )
            for channel, how in CHANNELS.items()
        ),
        Feature(
            f"reachable_channels{ending}",
            REACHABILITY,
            "channels",
            COUNT,
            f"Channels with consent{words}",
            _NEEDS,
            default="0",
            also=_ALSO,
        ),
    )


FRAGMENT = Fragment(
    "reach",
    features=_features(PURPOSE),
    needs=_NEEDS,
    ages=_AGES,
    shared=("standing_consent",),
    parameters={"purpose_0": PURPOSE},
)


def ending_of(purpose: str) -> str:
    """`Product news` -> `_product_news`."""
    return f"_{slug(purpose)}"


def purposes(wanted: Sequence[str]) -> list[Fragment]:
    """The same for each further purpose that a project names, one fragment a purpose."""
    return [_of_purpose(number, purpose) for number, purpose in enumerate(wanted, start=1)]


def _of_purpose(number: int, purpose: str) -> Fragment:
    features = _features(purpose, ending_of(purpose))
    text = binding(load_fragment("features/families/reach").sql, {"purpose_0": f"purpose_{number}"})
    for given, feature in zip(_features(PURPOSE), features, strict=True):
        text = named(text, given.name, feature.name)
    return Fragment(
        f"reach{ending_of(purpose)}",
        features=features,
        needs=_NEEDS,
        ages=_AGES,
        shared=("standing_consent",),
        text=text,
        parameters={f"purpose_{number}": purpose.strip().lower()},
    )
