"""MLflow: where runs are stored, and the revision that every run records."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from workbench import settings as tree

ARTIFACTS = "mlruns"
"""Folder of artifacts beside ``mlflow.db``, unless MLflow is configured otherwise."""


def connect(experiment: str) -> Any:
    """The ``mlflow`` module on the configured store, with an experiment chosen (and made where there is none).

    Parameters
    ----------
    experiment : str
        One of ``audits``, ``fusion``, ``replays``: the kind of run.

    Returns
    -------
    module
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

    commit = git("rev-parse", "HEAD")
    return commit + ("+" if commit and git("status", "--porcelain", "--untracked-files=no") else "")
