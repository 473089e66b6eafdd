"""Generated samples for tests of training and evaluation: quick, and known by construction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.evaluation.samples import Samples
from workbench.fusion.batch import ModalityBatch
from workbench.labels import CREMA_D


def generated(persons: int = 16, clips: int = 24, seed: int = 0) -> Samples:
    """Clips of the same layout as CREMA-D's votes: a good face, a worse voice, each with rated strengths."""
    rng = np.random.default_rng(seed)
    n = persons * clips
    labels = rng.integers(6, size=n)
    features = {
        m: share * np.eye(6)[labels] + (1 - share) * rng.dirichlet(np.ones(6), n) for m, share in (("visual", 0.25), ("audio", 0.15))
    }
    features |= {f"{m}_strength": features[m] * rng.uniform(0.3, 1, (n, 6)) for m in ("visual", "audio")}
    who = np.repeat([f"p{i:02d}" for i in range(persons)], clips)
    groups = pd.DataFrame({"sex": np.repeat(["female", "male"], n // 2), "race": "unstated"})
    human = 0.6 * np.eye(6)[labels] + 0.4 * rng.dirichlet(np.ones(6), n)
    clip = np.array([f"clip{i}" for i in range(n)])
    return Samples("generated", "generated clips", clip, ModalityBatch.of(features), labels, who, groups, CREMA_D, "0" * 12, human)


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


def cut(root: Path, out: Path, actors: int) -> Path:
    """CREMA-D's votes on the first actors only."""
    keep = {str(1001 + i) for i in range(actors)}
    (out / "processedResults").mkdir(parents=True)
    head, *rows = (root / "processedResults" / "tabulatedVotes.csv").read_text().splitlines()
    at = head.replace('"', "").split(",").index("fileName")
    few = [head, *(r for r in rows if r.split(",")[at].strip('"')[:4] in keep)]
    (out / "processedResults" / "tabulatedVotes.csv").write_text("\n".join(few) + "\n")
    (out / "VideoDemographics.csv").write_bytes((root / "VideoDemographics.csv").read_bytes())
    return out
