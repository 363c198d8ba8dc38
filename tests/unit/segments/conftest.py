"""The hand-made shop and files that are delivered stand beside other tests; these tests use them too."""

import sys
from pathlib import Path

for room in ("features", "core"):
    sys.path.insert(0, str(Path(__file__).parents[1] / room))
