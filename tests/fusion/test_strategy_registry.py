"""Every strategy is known however the workbench is entered, and one that an installed package offers is as good as its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.packages import fresh, install
from workbench.fusion.strategy import STRATEGIES
from workbench.plugins import OWN
from workbench.sessions import synthetic

OWN_NAMES = ("average", "rules", "calibrated_average", "product", "logistic", "learned", "stored")
TOY = '''
import numpy as np


class Loudest:
    """The modality whose first class is the most probable one decides alone."""

    name = "loudest"

    def fit(self, batch, labels, persons=None):
        return self

    def weights(self, batch):
        names = [n for n in ("visual", "audio") if n in batch]
        top = np.stack([np.where(batch.masks[n], batch.features[n].max(axis=1), -1.0) for n in names])
        first = top.argmax(axis=0)
        return {n: ((first == i) & (top[i] >= 0)).astype(float) for i, n in enumerate(names)}

    def predict(self, batch):
        weights = self.weights(batch)
        total = sum(np.where(w[:, None] > 0, batch.features[n], 0.0) for n, w in weights.items())
        return np.where(total.sum(axis=1, keepdims=True) > 0, total, np.nan)

    def to_dict(self):
        return {}

    @classmethod
    def from_dict(cls, values):
        return cls()
'''


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("sessions") / "generated", 0.2, audio=False)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    points = {"workbench.strategies": {"loudest": "toy_strategy:Loudest"}}
    return install(tmp_path_factory.mktemp("site"), "toy-strategy", points, {"toy_strategy": TOY})


def choose(folder: Path, name: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"fusion:\n  strategy: {name}\n")
    return path


def test_the_workbench_has_the_documented_strategies() -> None:
    assert tuple(n for n in STRATEGIES.names() if STRATEGIES.package(n) == OWN) == OWN_NAMES


@pytest.mark.parametrize("first", ["workbench.fusion.strategy", "workbench.fusion.fuse", "workbench.sessions.replay", "workbench.audit"])
def test_every_strategy_is_known_whatever_is_imported_first(first: str) -> None:
    """In a process of its own: nothing that other tests import can help."""
    code = f"import {first}\nfrom workbench.fusion.strategy import STRATEGIES\nprint(*(STRATEGIES.get(n).name for n in STRATEGIES.names()))"
    done = fresh("-c", code)
    assert done.returncode == 0, done.stderr
    assert set(OWN_NAMES) <= set(done.stdout.split())


@pytest.mark.parametrize("name", OWN_NAMES)
def test_replay_knows_every_strategy(name: str, session: Path, tmp_path: Path) -> None:
    """Those that have to be fitted say so; none is unknown."""
    done = fresh("-m", "workbench", "replay", session, "--settings", choose(tmp_path, name), "--out", tmp_path / "out")
    if name in ("average", "rules"):
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 2
        assert "fusion." in done.stderr
        assert done.stderr.count("\n") == 1
    assert "is not known" not in done.stderr


def test_an_unknown_strategy_is_one_line_that_names_all(session: Path, toy: Path, tmp_path: Path) -> None:
    done = fresh("-m", "workbench", "replay", session, "--settings", choose(tmp_path, "magic"), "--out", tmp_path / "out", packages=(toy,))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    for name in (*OWN_NAMES, "magic", "loudest"):
        assert name in done.stderr


def test_evaluate_knows_strategies_of_its_own_and_of_packages(toy: Path, tmp_path: Path) -> None:
    """The media file is not there: that is what is wrong, not the strategy."""
    for name in ("learned", "loudest"):
        done = fresh("-m", "workbench", "evaluate", tmp_path / "no.mp4", "--settings", choose(tmp_path, name), packages=(toy,))
        assert (done.returncode, "no.mp4" in done.stderr, "not known" in done.stderr) == (2, True, False), done.stderr


def test_evaluate_names_an_unknown_strategy_before_anything_else(tmp_path: Path) -> None:
    done = fresh("-m", "workbench", "evaluate", tmp_path / "no.mp4", "--settings", choose(tmp_path, "magic"))
    assert done.returncode == 2
    assert "'magic' is not known; choose one of average, rules" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_installed_strategy_fuses_a_session(session: Path, toy: Path, tmp_path: Path) -> None:
    options = ("-m", "workbench", "replay", session, "--settings", choose(tmp_path, "loudest"), "--out", tmp_path / "out")
    done = fresh(*options, packages=(toy,))
    assert done.returncode == 0, done.stderr
    windows = [json.loads(line) for line in (tmp_path / "out" / "windows.jsonl").read_text().splitlines()]
    weights = [w["weights"] for w in windows if w["weights"]]
    assert weights
    assert {v for w in weights for v in w.values()} <= {0.0, 1.0}


def test_an_installed_strategy_is_in_the_benchmark_the_tuning_page_and_the_list(toy: Path, tmp_path: Path) -> None:
    code = """
import json
from tests.support.samples import generated
from workbench.fusion.network import Hyperparameters
from workbench.training import benchmark, fitting, tune
samples = generated(persons=24, clips=6)
report = benchmark.run(samples, 3, 1, 20, Hyperparameters(hidden=2, members=2, epochs=1, batch=64), jobs=1)
line = next(s for s in report["strategies"] if s["name"] == "loudest")
fitted = fitting.run(samples, "loudest", folds=2, draws=20)
tuner = tune.Tuner(samples, draws=20)
point = tune.Point(strategy_name="loudest")
print(json.dumps([
    line["accuracy"]["value"], line["note"], fitted.report["figures"]["accuracy"]["value"], tuner.strategies,
    tuner.evaluate(point).figures["accuracy"].value,
]))
"""
    done = fresh("-c", code, packages=(toy,))
    assert done.returncode == 0, done.stderr
    benchmarked, note, fitted, offered, tuned = json.loads(done.stdout)
    assert benchmarked == pytest.approx(fitted)  # nothing is learned: all people are held out alike
    assert 0.3 < tuned <= 1
    assert "toy-strategy 1.0" in note
    assert offered[0] == "weights"
    assert "loudest" in offered
    listed = fresh("-m", "workbench", "fusion", "list", "--json", packages=(toy,), MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/m.db")
    assert "loudest" in [s["name"] for s in json.loads(listed.stdout)["strategies"]]
