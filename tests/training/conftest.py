"""Samples and a tracking store for tests of training."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.samples import cut, generated
from workbench.evaluation.samples import Samples


@pytest.fixture(scope="session")
def samples() -> Samples:
    return generated()


@pytest.fixture(scope="session")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracking")


@pytest.fixture
def store(_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with an MLflow store of its own."""
    monkeypatch.chdir(_store)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{_store}/mlflow.db")
    return _store


@pytest.fixture(scope="session")
def few_votes(crema_d_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder with the real votes on 18 actors."""
    return cut(crema_d_root, tmp_path_factory.mktemp("corpus") / "crema-d", 18)
