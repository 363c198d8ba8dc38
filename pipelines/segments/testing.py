"""Judge the tests of a definition (`tests:` in its file) on the members of a day.

A verdict's texts carry counts and shares only; the ids of examples that are not where they should be stand in
`ids`, for the person who wrote them and for nobody else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.config.segment_tests import SegmentTests, bound_of
from pipelines.config.yaml import nearest
from pipelines.engine import Engine, Statement, load_query, quote
from pipelines.segments.author import Author
from pipelines.segments.model import KEY, Segmentation
from pipelines.stats.association import Group, correlation_ratio, cramers_v

_NUMBERS = ("BIGINT", "INTEGER", "DOUBLE", "DECIMAL", "HUGEINT", "FLOAT", "SMALLINT", "TINYINT", "UBIGINT")


@dataclass(frozen=True)
class Verdict:
    """How one test ended; `segment_id` is None where it is about the whole segmentation."""

    segmentation_id: str
    test: str
    segment_id: str | None
    passed: bool
    expected: str
    found: str
    ids: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """One line without any id of a member."""
        return f"{self.segmentation_id}: {self.outcome}"

    @property
    def outcome(self) -> str:
        """The same without the segmentation."""
        of = f" of {self.segment_id}" if self.segment_id else ""
        return f"{self.test}{of}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Membership:
    """Who is in which segment of one segmentation: a SELECT of `segment_id, entity_id`, and what it binds."""

    sql: str
    parameters: Mapping[str, Any]


def check_tests(tests: SegmentTests | None, labels: Sequence[tuple[str, str, str]], author: Author) -> None:
    """Refuse tests of segments or features that there are not: they would pass whatever happens.

    Raises
    ------
    ConfigError
        Naming the place and the nearest names.
    """
    if tests is None:
        return
    known = [label[0] for label in labels]
    for setting, segment in tests.segments():
        if segment not in known:
            listed = f" (known: {', '.join(known[:40])})"
            raise author.fault(
                f"{author.id} has no segment {segment}{nearest(segment, known)}{listed}",
                "tests",
                setting,
                segment,
            )
    features = {*author.names.known, *(name.lower() for name in author.names.absent)}
    for i, name in enumerate(tests.must_not_use):
        if name.lower() not in features:
            raise author.fault(
                f"{name} is not a feature of the catalogue{nearest(name.lower(), features)}",
                "tests",
                "must_not_use",
                i,
            )


def evaluate_tests(
    engine: Engine,
    day: date,
    segmentation: Segmentation,
    membership: Membership,
    everything: Collection[Segmentation],
) -> list[Verdict]:
    """The verdicts of one segmentation's tests; none where it has no tests.

    Parameters
    ----------
    membership : where the members of the day are to be found.
    everything : the segmentations that it may refer to, itself among them.
    """
    tests = segmentation.definition.tests
    if tests is None:
        return []
    judged = _Judged(engine, day, segmentation, tests, membership)
    return [
        *judged.everyone_once(),
        *judged.sizes(),
        *judged.examples(),
        *judged.not_used(everything),
        *judged.proxies(),
    ]


def features_read(segmentation: Segmentation, everything: Collection[Segmentation]) -> frozenset[str]:
    """Every feature that decides, directly or by a segment, score or member that is referred to."""
    by_id = {segmentation.id: segmentation for segmentation in everything}
    found: set[str] = set()
    waiting, seen = [segmentation], {segmentation.id}
    while waiting:
        one = waiting.pop()
        found |= one.features | one.member_features | one.account_features
        fresh = [by_id[name] for name in one.uses if name in by_id and name not in seen]
        seen |= {other.id for other in fresh}
        waiting += fresh
    return frozenset(found)


class _Judged:
    """One segmentation with its members of a day."""

    def __init__(
        self,
        engine: Engine,
        day: date,
        segmentation: Segmentation,
        tests: SegmentTests,
        membership: Membership,
    ) -> None:
        self.engine = engine
        self.segmentation = segmentation
        self.tests = tests
        self.entity = segmentation.entity
        self.key = KEY[self.entity]
        self.relation = f"features.{self.entity}"
        self.membership = membership
        self.parameters = {**membership.parameters, "tested_day": day}
        self.day = day

    def everyone_once(self) -> list[Verdict]:
        """Members of the day in no segment, or in several."""
        if not self.tests.every_customer_once:
            return []
        (nowhere, several) = self._one(self._over_members("placed_counts"))
        return [
            self._verdict(
                "every_customer_once",
                None,
                nowhere == 0 and several == 0,
                f"every {self.entity} in exactly one segment",
                f"{nowhere:,} in none, {several:,} in several",
            )
        ]

    def sizes(self) -> list[Verdict]:
        """Sizes and shares of the segments within their bounds."""
        tests = self.tests
        if not (tests.min_size or tests.max_size or tests.min_share or tests.max_share):
            return []
        (everyone,) = self._one(f"select count(*) as members from {self._everyone()} as e")
        counted = self._all(
            f"select segment_id, count(*) as members from ({self.membership.sql}) as m group by segment_id"
        )
        sizes: dict[str, int] = dict(counted)
        found = []
        for label in self.segmentation.labels():
            segment = label["segment_id"]
            size = sizes.get(segment, 0)
            share = size / everyone if everyone else 0.0
            least, most = bound_of(tests.min_size, segment), bound_of(tests.max_size, segment)
            lowest, highest = bound_of(tests.min_share, segment), bound_of(tests.max_share, segment)
            shown, part = f"{size:,}", f"{share:.4g}"
            if least is not None:
                found.append(self._verdict("min_size", segment, size >= least, f"at least {least:,}", shown))
            if most is not None:
                found.append(self._verdict("max_size", segment, size <= most, f"at most {most:,}", shown))
            if lowest is not None:
                found.append(
                    self._verdict("min_share", segment, share >= lowest, f"at least {lowest:.4g}", part)
                )
            if highest is not None:
                found.append(
                    self._verdict("max_share", segment, share <= highest, f"at most {highest:.4g}", part)
                )
        return found

    def examples(self) -> list[Verdict]:
        """Members by name, in or out."""
        found = []
        for segment, examples in self.tests.examples.items():
            placed = self._places([*examples.inside, *examples.out])
            wrong = [
                f"{member_id}: {self._where(placed.get(member_id))}, expected in {segment}"
                for member_id in examples.inside
                if segment not in (placed.get(member_id) or ())
            ]
            wrong += [
                f"{member_id}: {self._where(placed.get(member_id))}, expected not in {segment}"
                for member_id in examples.out
                if placed.get(member_id) is None or segment in (placed.get(member_id) or ())
            ]
            named = len(examples.inside) + len(examples.out)
            unknown = sum(member_id not in placed for member_id in [*examples.inside, *examples.out])
            found.append(
                self._verdict(
                    "examples",
                    segment,
                    not wrong,
                    f"{len(examples.inside)} in and {len(examples.out)} out",
                    f"{named - len(wrong)} of {named} match"
                    + (f"; {unknown} are no {self.entity} of the day" if unknown else ""),
                    tuple(wrong),
                )
            )
        return found

    def _places(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """Id -> its segments; an id that is no member of the day is not among the keys."""
        placed: dict[str, list[str]] = {}
        for member, segment in self._all(self._over_members("place_of_member"), ids=list(ids)):
            placed.setdefault(member, []).extend([] if segment is None else [segment])
        return {member: sorted(segments) for member, segments in placed.items()}

    def _where(self, segments: list[str] | None) -> str:
        if segments is None:
            return f"no {self.entity} on {self.day}"
        return f"in {', '.join(segments)}" if segments else "in no segment"

    def not_used(self, everything: Collection[Segmentation]) -> list[Verdict]:
        """No condition reads a forbidden feature, nor does one that is referred to."""
        if not self.tests.must_not_use:
            return []
        forbidden = {name.lower() for name in self.tests.must_not_use}
        used = sorted(
            name for name in features_read(self.segmentation, everything) if name.lower() in forbidden
        )
        expected = f"none of {', '.join(self.tests.must_not_use)} is read"
        found = f"{', '.join(used)} read" if used else "none is"
        return [self._verdict("must_not_use", None, not used, expected, found)]

    def proxies(self) -> list[Verdict]:
        """Membership does not stand in for a forbidden feature.

        Of overlapping segments each is measured alone, in against out.
        """
        limit = self.tests.proxy_below
        if limit is None:
            return []
        types = {name.lower(): (name, kind) for name, kind in self.engine.columns(self.relation)}
        found = []
        for wanted in self.tests.must_not_use:
            name, kind = types.get(wanted.lower(), (wanted, None))
            groups = [None] if self.segmentation.exclusive else [label[0] for label in self._labels]
            for segment in groups:
                measured = self._association(name, kind, segment) if kind else None
                shown = f"{measured:.3f}" if measured is not None else "not measurable: it does not vary"
                found.append(
                    self._verdict(
                        "proxy_below",
                        segment,
                        measured is None or measured < limit,
                        f"association with {name} below {limit:.4g}",
                        shown if kind else f"not measurable: there is no {wanted} in this project",
                    )
                )
        return found

    @property
    def _labels(self) -> tuple[tuple[str, str, str], ...]:
        return self.segmentation.compiled.labels

    def _association(self, name: str, kind: str, segment: str | None) -> float | None:
        """Of membership with one feature, among members of whom it is known."""
        grouped = "m.segment_id" if segment is None else "m.segment_id is not null"
        chosen = "" if segment is None else " where segment_id = $segment"
        value = quote(name)
        number = kind.startswith(_NUMBERS) or kind == "DATE"
        if kind == "DATE":
            value = f"date_diff('day', date '1970-01-01', {value})"
        joined = (
            f" from (select {self.key} as entity_id, {value} as value from {self.relation}"
            f" where as_of_date = $tested_day and {value} is not null) as e"
            f" left join (select * from ({self.membership.sql}){chosen}) as m on m.entity_id = e.entity_id"
        )
        bindings = {} if segment is None else {"segment": segment}
        if number:
            value = "cast(e.value as double)"
            numbers = self._all(
                f"select count(*) as members, avg({value}) as mean, var_pop({value}) as variance{joined}"
                f" group by {grouped}",
                **bindings,
            )
            return correlation_ratio([Group(*row) for row in numbers])
        return cramers_v(
            self._all(
                f"select {grouped} as grouped, e.value, count(*) as members{joined}"
                f" group by {grouped}, e.value",
                **bindings,
            )
        )

    def _everyone(self) -> str:
        return f"(select {self.key} as entity_id from {self.relation} where as_of_date = $tested_day)"

    def _over_members(self, name: str) -> str:
        """A query over everyone of the day and the members of each segment."""
        return load_query(f"segments/queries/{name}").filled(
            everyone=Statement(self._everyone()), membership=Statement(self.membership.sql)
        )

    def _verdict(
        self,
        test: str,
        segment: str | None,
        passed: bool,
        expected: str,
        found: str,
        ids: tuple[str, ...] = (),
    ) -> Verdict:
        return Verdict(self.segmentation.id, test, segment, passed, expected, found, ids)

    def _all(self, sql: str, **more: Any) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.engine.rows(sql, {**self.parameters, **more})]

    def _one(self, sql: str) -> tuple[Any, ...]:
        (row,) = self._all(sql)
        return row
