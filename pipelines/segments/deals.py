"""The record of stages: where each deal and lead stood on the recorded days, change by change.

Sales systems say where a deal stands now and keep no history of it. What they said is kept with every day
that is recorded; of a deal that was there before the first of them, the way it came is not known.
"""

from __future__ import annotations

from datetime import date

from pipelines.engine import Engine, load_query

TABLE = "segments.deal_stage"

SCHEMA = """
create table if not exists segments.deal_stage (
    deal_kind varchar not null, deal_id varchar not null, stage varchar not null, as_of_date date not null,
    is_first boolean not null
);
"""


def record_stages(engine: Engine, day: date) -> None:
    """Append what moved since the last recorded day; a day that is recorded again says it anew.

    To be called within the transaction that records the day.
    """
    engine.delete(TABLE, "as_of_date >= $day", {"day": day})
    engine.store(TABLE, load_query("segments/queries/stage_of_deal").sql, "append", {"day": day})
