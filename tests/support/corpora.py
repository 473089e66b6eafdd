"""CREMA-D's votes for tests: from ``WORKBENCH_DATA``, else the shared folder beside the checkout."""

import os
from pathlib import Path

import pytest

from workbench.corpora import crema_d


@pytest.fixture(scope="session")
def crema_d_root() -> Path:
    data = os.environ.get("WORKBENCH_DATA") or Path(__file__).parents[3] / "shared" / "datasets"
    return Path(data) / "crema-d"


@pytest.fixture(scope="session")
def votes(crema_d_root: Path) -> crema_d.Votes:
    return crema_d.load_votes(crema_d_root)
