"""What `workspace.yaml` points at: the definitions of the project that LOHKO_PROJECT names."""

from lohko.definitions import build_defs

defs = build_defs()
