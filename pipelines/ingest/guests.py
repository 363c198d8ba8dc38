"""Guests keyed by a salted hash of what they typed: the e-mail itself never enters a canonical table."""

from __future__ import annotations

import hashlib
import os

from pipelines.engine import literal
from pipelines.errors import ConfigError
from pipelines.ingest.text import as_text

ENVIRONMENT = "LOHKO_GUEST_SALT"
SHORTEST = 16
PREFIX = "guest-"
# `"given guest_key"` is the source's expression, `$guest_salt` is bound: a salt in SQL text could be shown.
_GIVEN = as_text('"given guest_key"')
KEY = f"{literal(PREFIX)} || sha256(cast($guest_salt as varchar) || nullif({_GIVEN}, ''))"


def salt() -> str:
    """The project's salt, from the environment.

    Raises
    ------
    ConfigError
        When it is missing or so short that e-mail addresses could be guessed back from their hashes.
    """
    found = os.environ.get(ENVIRONMENT, "")
    if len(found) < SHORTEST:
        raise ConfigError(
            f"guest_key needs a secret salt of at least {SHORTEST} characters in the environment variable"
            f" {ENVIRONMENT}, and it has {len(found)}; make one with `openssl rand -hex 32` and keep it: a"
            " different salt gives every guest a new id"
        )
    return found


def mark() -> str:
    """Changes with the salt and does not tell it: a new salt rebuilds the orders."""
    return hashlib.sha256(b"mark:" + salt().encode()).hexdigest()
