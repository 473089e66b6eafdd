"""A folder as a reader of the documentation would have it: a recording, its questions, the experiments, one session."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support import documents
from tests.support.packages import ROOT
from tests.support.reader import EVALUATE, Reader
from workbench.sample import SamplePaths
from workbench.sessions import synthetic


@pytest.fixture(scope="session")
def evaluated(sample_paths: SamplePaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, after `EVALUATE` in a fresh process."""
    folder = tmp_path_factory.mktemp("reader")
    for path, name in ((sample_paths.video, "interview.mp4"), (sample_paths.interview, "interview.yaml")):
        shutil.copy(path, folder / name)
    shutil.copytree(ROOT / "experiments", folder / "experiments")
    audit = folder / "experiments" / "audit_default.yaml"
    text = audit.read_text().replace("draws: 1000", "draws: 100")
    audit.write_text(re.sub(r"strategies: \[.*\]", "strategies: [average, logistic]", text))  # the same, sooner
    sweep = folder / "experiments" / "fusion_sweep.yaml"
    sweep.write_text(sweep.read_text().replace("corpus: crema-d", "corpus: generated").replace("folds: 4", "folds: 2"))
    decisions(folder)
    (folder / "other.yaml").write_text("fusion:\n  weights: {visual: 0.3, audio: 0.7}\n")
    done = Reader(folder, tmp_path_factory.mktemp("bin")).type(EVALUATE)
    assert done.returncode == 0, done.stderr
    assert list((folder / "sessions").glob("*/report.html"))
    return folder


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a generated session: for what reads sessions and runs no model."""
    folder = tmp_path_factory.mktemp("generated")
    synthetic.write(folder / "sessions" / "generated", minutes=1)
    return folder


@pytest.fixture
def reader_of_generated(generated: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """A reader with a folder of their own that holds a generated session."""
    return Reader(Path(shutil.copytree(generated, tmp_path / "reader")), tmp_path_factory.mktemp("bin"))


@pytest.fixture
def reader(evaluated: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Reader]:
    """Gives a reader with a folder of their own."""
    return lambda: Reader(Path(shutil.copytree(evaluated, tmp_path / "reader")), tmp_path_factory.mktemp("bin"))


def decisions(folder: Path) -> None:
    """The table and the configuration of the audit page: generated decisions about forty people."""
    block = documents.blocks("docs/how-to/audit.md", "yaml")[0]
    (folder / "decisions.yaml").write_text(block.text)
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(40), 10)
    truth = rng.choice(["hired", "not"], 400)
    predicted = np.where(rng.random(400) < 0.8, truth, "not")
    table = {"person": person, "truth": truth, "predicted": predicted, "sex": np.where(person % 2, "female", "male")}
    pd.DataFrame(table).to_csv(folder / "decisions.csv", index=False)
