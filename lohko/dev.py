"""`make dev`: Dagster's web interface and daemon on loopback, with the project's own instance."""

from __future__ import annotations

import os
import sys

from pipelines.errors import LohkoError
from resources.instance import PLANNING, prepare_home
from resources.project import ENVIRONMENT, REPOSITORY, Project


def main() -> None:
    """Prepare the instance and become `dagster dev`."""
    try:
        project = Project.load()
    except LohkoError as fault:
        sys.stderr.write(f"error: {fault}\n")
        sys.exit(fault.exit_code)
    prepare_home(project)
    home = {"DAGSTER_HOME": str(project.dagster_home), ENVIRONMENT: str(project.root)}
    environment = os.environ | PLANNING | home
    port = os.environ.get("PORT", "3000")
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", port]
    os.chdir(REPOSITORY)
    os.execve(sys.executable, [*command, "--workspace", "workspace.yaml"], environment)  # noqa: S606


if __name__ == "__main__":
    main()
