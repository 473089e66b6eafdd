"""A folder as a reader of the documentation would have it: a recording, its questions, the experiments, one session."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.packages import ROOT
from tests.support.reader import EVALUATE, Reader
from workbench.sample import SamplePaths


@pytest.fixture(scope="session")
def evaluated(sample_paths: SamplePaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, after `EVALUATE` in a fresh process."""
    folder = tmp_path_factory.mktemp("reader")
    for path, name in ((sample_paths.video, "interview.mp4"), (sample_paths.interview, "interview.yaml")):
        shutil.copy(path, folder / name)
    shutil.copytree(ROOT / "experiments", folder / "experiments")
    (folder / "other.yaml").write_text("fusion:\n  weights: {visual: 0.3, audio: 0.7}\n")
    done = Reader(folder, tmp_path_factory.mktemp("bin")).type(EVALUATE)
    assert done.returncode == 0, done.stderr
    assert list((folder / "sessions").glob("*/report.html"))
    return folder


@pytest.fixture
def reader(evaluated: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Reader]:
    """Gives a reader with a folder of their own."""
    return lambda: Reader(Path(shutil.copytree(evaluated, tmp_path / "reader")), tmp_path_factory.mktemp("bin"))
