"""Read what is published: the analysts' file, read-only and closed to the outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines import engine
from pipelines.engine import connect
from pipelines.errors import SourceError, UsageError
from resources.project import Project

if TYPE_CHECKING:
    from types import TracebackType

    import duckdb


class Published:
    """The current published DuckDB file, opened read-only; it may be read while a run goes on.

    Raises
    ------
    SourceError
        When nothing has been published yet, or it is damaged.
    """

    def __init__(self, project: Project) -> None:
        import duckdb

        path = project.current / "lohko.duckdb"
        if not path.exists():
            raise SourceError(f"{path}: nothing has been published yet; run `lohko run` first")
        try:
            self.con: duckdb.DuckDBPyConnection = connect(str(path.resolve()), read_only=True)
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise SourceError(f"{path}: cannot be read: {reason}. `lohko run` publishes again") from None
        self.con.execute("set TimeZone = $zone", {"zone": project.config.timezone})
        # A query may read this file and nothing else.
        self.con.execute("set enable_external_access = false")
        self.con.execute("set lock_configuration = true")

    def __enter__(self) -> Published:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.con.close()

    def rows(
        self, sql: str, parameters: dict[str, Any] | Sequence[Any] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of one of our own queries."""
        return engine.rows(self.con, sql, parameters)

    def one(self, sql: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """The only row of a query."""
        (row,) = self.rows(sql, parameters)
        return row

    def query(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """A user's query: its column names and rows.

        Raises
        ------
        UsageError
            With DuckDB's own message, when it cannot be run.
        """
        import duckdb

        try:
            cursor = self.con.execute(sql)
            if not cursor or cursor.description is None:
                raise UsageError("the query gives nothing; expected a SELECT")
            names = [column[0] for column in cursor.description or []]
            return names, cursor.fetchall()
        except duckdb.Error as error:
            raise UsageError(f"the query cannot be run: {str(error).strip()}") from None

    def held_parts(self) -> list[dict[str, Any]]:
        """What stays as it was published before."""
        return self.rows("from marts.publication where held order by kind, part")

    def unclassified(self) -> list[str]:
        """Attributes that are not published because they look personal, of which the project says nothing."""
        found = self.rows(
            "select name from marts.feature_catalogue where not published and not classified order by all"
        )
        return [row["name"] for row in found]

    def segments(self) -> list[dict[str, Any]]:
        """Every segment today, of customers and then of accounts; `entity_kind` says of which."""
        return self.rows(
            "from marts.segment_current order by entity_kind = 'account', segmentation_id, position"
        )

    def segmentations_of_customers(self) -> list[str]:
        """Their ids, in order."""
        found = self.con.execute(
            "select distinct segmentation_id from marts.segment_current where entity_kind = 'customer'"
            " order by 1"
        ).fetchall()
        return [row[0] for row in found]
