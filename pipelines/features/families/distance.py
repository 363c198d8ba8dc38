"""How far a customer lives from a configured place."""

from collections.abc import Sequence

from pipelines.config.features import Point
from pipelines.engine import quote
from pipelines.features.feature import GEOGRAPHIC, NUMBER, Feature, Fragment

# Mean radius of the earth, km (IUGG).
RADIUS_KM = 6371.0088
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
    """The great-circle distance by the haversine formula; `relation` has customers with their attributes."""
    exact = {name.lower(): quote(name) for name in attributes}
    return Fragment(
        "distance",
        features=(feature(point),),
        needs=("customers",),
        text=f"""
with place as (
    select a.customer_id, try_cast(a.{exact["latitude"]} as double) as latitude,
        try_cast(a.{exact["longitude"]} as double) as longitude
    from {relation} as a
    where a.created_on is null or a.created_on <= $as_of
),
arc as (
    select customer_id,
        power(sin(0.5 * radians(latitude - $home_latitude)), 2)
        + cos(radians(latitude)) * cos(radians($home_latitude))
        * power(sin(0.5 * radians(longitude - $home_longitude)), 2) as haversine
    from place
    where latitude between -90 and 90 and longitude between -180 and 180
)
select customer_id, 2 * {RADIUS_KM} * asin(sqrt(least(1.0, haversine))) as distance_km from arc
""",
        parameters={"home_latitude": point.latitude, "home_longitude": point.longitude},
    )
