"""The hand-made shop stands beside the tests of features; these tests use it too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "features"))
