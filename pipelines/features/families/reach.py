"""Through which channels a customer may be addressed."""

from pipelines.features.feature import COUNT, FLAG, REACHABILITY, Feature, Fragment, ages_of

_NEEDS = ("consents",)
CHANNELS = {
    "email": "e-mail",
    "sms": "text message",
    "phone": "phone",
    "post": "letter",
    "push": "push message",
}

FRAGMENT = Fragment(
    "reach",
    features=(
        *(
            Feature(
                f"reachable_{channel}",
                REACHABILITY,
                "",
                FLAG,
                f"Consent to {words}, as last given or withdrawn; NULL where none is on record",
                _NEEDS,
            )
            for channel, words in CHANNELS.items()
        ),
        Feature(
            "reachable_channels",
            REACHABILITY,
            "channels",
            COUNT,
            "Channels with consent",
            _NEEDS,
            default="0",
        ),
    ),
    needs=_NEEDS,
    ages=ages_of("consents"),
)
