"""With what a customer comes: device and platform."""

from pipelines.features.feature import COUNT, TECHNOGRAPHIC, TEXT, Ageing, Feature, Fragment

_NEEDS = ("interactions",)

FRAGMENT = Fragment(
    "device",
    features=(
        Feature(
            "preferred_device",
            TECHNOGRAPHIC,
            "",
            TEXT,
            "Device with the most interactions in 365 days, in lower case",
            _NEEDS,
        ),
        Feature(
            "preferred_platform",
            TECHNOGRAPHIC,
            "",
            TEXT,
            "web or app: which has the more interactions in 365 days; app where equal",
            _NEEDS,
        ),
        Feature(
            "devices_365d", TECHNOGRAPHIC, "devices", COUNT, "Devices used in 365 days", _NEEDS, default="0"
        ),
    ),
    needs=_NEEDS,
    ages=(Ageing("core.interactions", windows=(365,)),),
)
