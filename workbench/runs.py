"""MLflow, in one place: where runs are kept, and what every run says of itself."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from workbench import settings as tree

ARTIFACTS = "mlruns"
"""Folder of artifacts beside ``mlflow.db``, where MLflow is not told another place."""


def connect(experiment: str) -> Any:
    """The ``mlflow`` module on the configured store, with an experiment chosen (and made where there is none).

    Parameters
    ----------
    experiment : str
        One of ``audits``, ``fusion``, ``replays``: the kind of run.
    """
    import mlflow

    mlflow.set_tracking_uri(tree.tracking_uri())
    if mlflow.get_experiment_by_name(experiment) is None:
        local = tree.tracking_uri().startswith("sqlite:")
        mlflow.create_experiment(experiment, artifact_location=Path(ARTIFACTS).resolve().as_uri() if local else None)
    mlflow.set_experiment(experiment)
    return mlflow


@cache
def revision() -> str:
    """The checkout's git revision with ``+`` where files differ from it; empty where there is no checkout."""

    def git(*args: str) -> str:
        done = subprocess.run(["git", *args], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    found = git("rev-parse", "HEAD")
    return found + ("+" if found and git("status", "--porcelain", "--untracked-files=no") else "")
