"""What a planted fault is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A mistake that somebody could make, in exact words, and the tests that must catch it.

    Parameters
    ----------
    name : how it is called on the command line.
    rule : the rule it breaks, as a sentence that is true of the code without it.
    file : where it is planted, from the root of the repository.
    old, new : the text that stands once in that file, and what takes its place.
    tests : ids of tests; each is run, and the first that fails has caught the fault.
    """

    name: str
    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
