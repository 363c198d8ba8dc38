"""What the last run found of ids that do not meet: a mapping can be at fault that breaks no rule."""

from __future__ import annotations

from lohko.commands.shared.published import Published
from pipelines.errors import SourceError
from resources.project import Project

_SUSPECT = (
    "select description, unexpected_count, element_count from marts.quality"
    " where source in ('core', 'lists') and batch_seq is null and not passed order by all"
)


def suspicions(project: Project) -> list[str]:
    """Ids that differ only in writing, and lists that match too few; none before the first run."""
    try:
        with Published(project) as published:
            found = published.rows(_SUSPECT)
    except SourceError:
        return []
    return [
        f"the last run: {row['description']} ({row['unexpected_count']:,} of {row['element_count']:,})"
        for row in found
    ]
