"""The mark of a project's features: it tells whether a past day would be computed otherwise today."""

from __future__ import annotations

import hashlib
import json

from pipelines.engine import Engine
from pipelines.features import entry, state
from pipelines.features.kinds import KINDS
from pipelines.features.recipe import Recipe, make


def features_mark(engine: Engine, recipe: Recipe) -> str:
    """Changes when the same rows of core would make other features of customers or accounts.

    It follows the SQL, not the settings: a meaning, a unit or a family changes no value, and no day is
    computed again for it.
    """
    made = [make(engine, entity, recipe) for entity in KINDS]
    derived = sorted(
        (feature.name, feature.derived)
        for of_kind in made
        for feature in of_kind.features
        if feature.derived is not None
    )
    steps = [step.sql for step in (state.state_step(), entry.entry_step())]
    text = json.dumps([[of_kind.fingerprint for of_kind in made], derived, steps])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
