"""Evaluate the segmentations of a day: one pass over the features, and one column a segmentation.

A segmentation that cannot be evaluated, or that is exclusive and leaves members out, is held with all that
refers to it; the others go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.config.segments import Entity
from pipelines.engine import Engine, QueryError, quote, value
from pipelines.errors import InvariantError
from pipelines.segments.definitions import ENTITIES
from pipelines.segments.model import AS_OF, OWN, Segmentation
from pipelines.segments.plan import Plan
from pipelines.segments.standing import stood_before

# No segmentation is called so.
_EVERYONE = f"{OWN}everyone"


@dataclass(frozen=True)
class Evaluated:
    """What a day's evaluation of one entity gave.

    The temporary table `table` has `entity_id` and a column a segmentation of `segmentations`, as `Plan.sql`.
    `held` are those that stay as they are, of any entity, with the reason; `remarks` what else is to be told.
    """

    entity: Entity
    table: str
    segmentations: tuple[Segmentation, ...]
    held: Mapping[str, str]
    remarks: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, bool]:
        """Segmentation id -> whether it is exclusive."""
        return {segmentation.id: segmentation.exclusive for segmentation in self.segmentations}


def with_dependants(held: Mapping[str, str], segmentations: Iterable[Segmentation]) -> dict[str, str]:
    """The held segmentations and those that refer to them; `segmentations` in order of reference."""
    found = dict(held)
    for segmentation in segmentations:
        if segmentation.id not in found and (uses := sorted(segmentation.uses & found.keys())):
            found[segmentation.id] = f"refers to {uses[0]}, which is held"
    return found


def evaluate_all(
    engine: Engine,
    day: date,
    segmentations: Sequence[Segmentation],
    held: Mapping[str, str] | None = None,
) -> list[Evaluated]:
    """Evaluate a day, customers and then accounts; members stand where the record says they stood before it.

    Parameters
    ----------
    segmentations : in order of reference.
    held : segmentations that are not to be evaluated, with the reason.
    """
    with stood_before(engine, day, segmentations):
        return [evaluate(engine, day, entity, segmentations, held) for entity in ENTITIES]


def evaluate(
    engine: Engine,
    day: date,
    entity: Entity,
    everything: Sequence[Segmentation],
    held: Mapping[str, str] | None = None,
) -> Evaluated:
    """Evaluate every segmentation of an entity that is not held. Not to be called within a transaction.

    Parameters
    ----------
    entity : whom it is about, customers or accounts.
    everything : the segmentations of all entities, in order of reference; `segments.standing` must say where
        members stand, if one of them asks.
    held : segmentations that are not to be evaluated, with all that refers to them.

    Raises
    ------
    InvariantError
        When the members counted twice: then no segmentation can be trusted.
    """
    own = [segmentation for segmentation in everything if segmentation.entity == entity]
    found = with_dependants(held or {}, everything)
    table = f"evaluated_{entity}"
    plan = _plan(entity, own, everything, found)
    try:
        remarks = _run(engine, plan, day, table)
    except QueryError:
        found = _culprits(engine, day, plan, found)
        plan = _plan(entity, own, everything, found)
        remarks = _run(engine, plan, day, table)
    found |= _left_out(engine, day, table, plan)
    found = with_dependants(found, everything)
    kept = tuple(segmentation for segmentation in plan.segmentations if segmentation.id not in found)
    return Evaluated(entity, table, kept, found, remarks)


def _plan(
    entity: Entity, own: Iterable[Segmentation], everything: Sequence[Segmentation], held: Collection[str]
) -> Plan:
    return Plan(
        entity, tuple(segmentation for segmentation in own if segmentation.id not in held), tuple(everything)
    )


def _run(engine: Engine, plan: Plan, day: date, table: str) -> tuple[str, ...]:
    """Fill the temporary table; without a segmentation it is empty, and no features are read."""
    if not plan.segmentations:
        engine.keep(table, "select cast(null as varchar) as entity_id where false")
        return ()
    remarks = plan.prepare(engine, day)
    engine.keep(table, plan.sql, plan.parameters(day))
    return tuple(remarks)


def _culprits(engine: Engine, day: date, plan: Plan, held: Mapping[str, str]) -> dict[str, str]:
    """Evaluate the segmentations one by one; those that fail are held, with what refers to them."""
    found = dict(held)
    for segmentation in plan.segmentations:
        if segmentation.uses & found.keys():
            continue  # with_dependants says why
        try:
            _run(engine, Plan(plan.entity, (segmentation,), plan.everything), day, "probe")
        except QueryError as error:
            found[segmentation.id] = f"cannot be evaluated on {day}: {_reason(error)}"
    engine.drop("probe")
    return with_dependants(found, plan.everything)


def _reason(error: QueryError) -> str:
    """The engine's words where they name columns; of an error over values its kind: values are personal."""
    return f"{error.kind.lower()} in a condition" if error.binds else error.reason


def _left_out(engine: Engine, day: date, table: str, plan: Plan) -> dict[str, str]:
    """Exclusive segmentations that leave members out. Two segments at once cannot be: a column has one."""
    if not plan.segmentations:
        return {}
    exclusive = [segmentation.id for segmentation in plan.segmentations if segmentation.exclusive]
    counts = "".join(f", count({quote(name)}) as {quote(name)}" for name in exclusive)
    (row,) = engine.rows(f"select count(*) as {quote(_EVERYONE)}{counts} from {quote(table)}")
    total = value(
        engine, f"select count(*) from features.{plan.entity} where {AS_OF} = $as_of", {"as_of": day}
    )
    if row[_EVERYONE] != total:
        raise InvariantError(
            f"segments of {day}: {total} {plan.entity}s, but {row[_EVERYONE]} rows evaluated; expected one"
            " row each"
        )
    return {
        name: f"on {day}, {total} {plan.entity}s but {row[name]} in a segment;"
        " expected every one in exactly one"
        for name in exclusive
        if row[name] != total
    }
