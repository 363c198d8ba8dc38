"""How far a customer lives from a configured place."""

from collections.abc import Sequence

from pipelines.config.features import Point
from pipelines.engine import load_fragment, reading
from pipelines.features.feature import GEOGRAPHIC, NUMBER, Feature, Fragment

NEEDED = ("latitude", "longitude")


def located(attributes: Sequence[str]) -> bool:
    """Whether the CRM says where customers live."""
    return {*NEEDED} <= {name.lower() for name in attributes}


def feature(point: Point) -> Feature:
    return Feature(
        "distance_km",
        GEOGRAPHIC,
        "km",
        NUMBER,
        f"Distance to {point.name} as the crow flies, by latitude and longitude",
        ("customers",),
    )


def fragment(point: Point, relation: str, attributes: Sequence[str]) -> Fragment:
    """The great-circle distance of a configured place; `relation` has customers with their attributes."""
    exact = {name.lower(): name for name in attributes}
    text = load_fragment("features/families/distance").filled(
        latitude=exact["latitude"], longitude=exact["longitude"]
    )
    return Fragment(
        "distance",
        features=(feature(point),),
        needs=("customers",),
        text=reading(text, {"past.customers": relation}),
        shared=("known_customer",),
        parameters={"home_latitude": point.latitude, "home_longitude": point.longitude},
    )
