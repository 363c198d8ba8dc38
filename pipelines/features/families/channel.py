"""Through which channel a customer buys."""

from collections.abc import Sequence

from pipelines.engine import quote
from pipelines.features.feature import BEHAVIOUR, COUNT, NUMBER, TEXT, Ageing, Feature, Fragment, slug

_AGES = (Ageing("features.customer_day", windows=(365,)),)

FRAGMENT = Fragment(
    "channel",
    features=(
        Feature("preferred_channel", BEHAVIOUR, "", TEXT, "Sales channel with the most orders in 365 days"),
        Feature(
            "channels_365d",
            BEHAVIOUR,
            "channels",
            COUNT,
            "Sales channels bought through in 365 days",
            default="0",
        ),
    ),
    ages=_AGES,
)


def share_name(channel: str) -> str:
    """`Web shop` -> `share_channel_web_shop_365d`."""
    return f"share_channel_{slug(channel)}_365d"


def shares(channels: Sequence[str]) -> Fragment:
    """The share of orders in 365 days through each configured channel, of the orders with a channel."""
    columns = ", ".join(
        f"cast(count_if(o.channel = $channel_{i}) as double) / count(*) as {quote(share_name(channel))}"
        for i, channel in enumerate(channels)
    )
    return Fragment(
        "channel_shares",
        features=tuple(
            Feature(
                share_name(channel),
                BEHAVIOUR,
                "share",
                NUMBER,
                f"Share of orders through {channel} in 365 days",
            )
            for channel in channels
        ),
        ages=_AGES,
        text=f"select o.customer_id, {columns} from facts.orders as o\n"
        "    where o.happened and o.business_date >= $from_365 and o.channel is not null"
        " group by o.customer_id",
        parameters={f"channel_{i}": channel for i, channel in enumerate(channels)},
    )
