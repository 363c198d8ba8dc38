"""The warehouse that files are handed to stands beside the tests of core; these tests use it too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))
