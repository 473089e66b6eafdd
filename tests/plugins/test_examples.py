"""Each package in ``examples/`` is installed into a fresh environment and used as a user would use it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from workbench.sessions import synthetic
from workbench.sessions.store import Session

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(p.name for p in (ROOT / "examples").iterdir() if p.is_dir())
LINES = 46
"""An example stays this short, blank lines and docstrings included."""

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment: the examples are installed in it, and beneath them lie the packages of the tests' own environment."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    made = folder / "env" / "bin" / "python"
    site = subprocess.run(
        [made, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=True
    )
    Path(site.stdout.strip(), "beneath.pth").write_text(sysconfig.get_path("purelib") + "\n" + str(ROOT) + "\n")
    sources = [shutil.copytree(ROOT / "examples" / name, folder / "examples" / name) for name in EXAMPLES]
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "pip", "install", "--quiet", "--no-deps", "--python", made, *sources], check=True, timeout=300)
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def run(python: Path, tmp_path: Path, home: Path) -> Run:
    """``workbench ARGUMENTS`` in that environment; gives the JSON that it prints."""

    def call(*arguments: object, code: int = 0, text: bool = False) -> Any:
        done = subprocess.run(
            [python, "-m", "workbench", *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path, timeout=600,
            env=os.environ | {"PYTHONPATH": "", "TOY_HOME": str(home), "COLUMNS": "200"},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout if text else json.loads(done.stdout)

    return call


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated session of two minutes."""
    return synthetic.write(tmp_path_factory.mktemp("sessions") / "toy", 2)


def test_there_is_one_for_every_open_door_and_each_is_short() -> None:
    assert EXAMPLES == ["add_a_corpus", "add_a_feature", "add_a_metric", "add_a_stage", "add_a_strategy"]
    for name in EXAMPLES:
        (module,) = (ROOT / "examples" / name).glob("*.py")
        assert len(module.read_text(encoding="utf-8").splitlines()) <= LINES, module


def test_all_are_listed_with_the_package_they_come_from(run: Run) -> None:
    listed = run("plugins", "--json")
    offered = {(p["group"], p["name"]): p["package"] for p in listed["plugins"]}
    assert offered["workbench.stages", "brightness"] == "workbench-brightness 1.0"
    assert offered["workbench.strategies", "surest"] == "workbench-surest 1.0"
    assert offered["workbench.corpora", "toy"] == "workbench-toy-corpus 1.0"
    assert offered["workbench.metrics", "balanced_accuracy"] == "workbench-balanced-accuracy 1.0"
    assert offered["workbench.features", "speech_rate"] == "workbench-speech-rate 1.0"
    assert offered["workbench.strategies", "average"] == "interview-workbench"
    assert listed["problems"] == []
    assert "workbench-surest 1.0" in run("plugins", text=True)


def test_the_stage_is_run_on_the_sample(run: Run, sample_paths: Any, tmp_path: Path) -> None:
    run("evaluate", sample_paths.video, "--stage", "brightness", "--out", tmp_path / "s", "--json")
    rows = Session.open(tmp_path / "s").messages("brightness")
    assert len(rows) == pytest.approx(60, abs=2), "once a second"
    assert all(0 < row["values"]["brightness"] < 1 for row in rows)
    run("sessions", "export", tmp_path / "s", "--out", tmp_path / "tables", text=True)
    assert len(pd.read_parquet(tmp_path / "tables" / "brightness.parquet")) == len(rows)


def test_the_strategy_fuses_a_session_and_stands_in_the_benchmark_and_on_the_tuning_page(
    run: Run, python: Path, stored: Path, tmp_path: Path
) -> None:
    (tmp_path / "surest.yaml").write_text("fusion:\n  strategy: surest\n")
    run("replay", stored, "--settings", tmp_path / "surest.yaml", "--json")
    found = run("fusion", "benchmark", "--corpus", "toy", "--folds", 2, "--seeds", 1, "--draws", 50, "--jobs", 1, "--json")
    lines = {s["name"]: s for s in found["strategies"]}
    assert lines["surest"]["note"] == "from the package workbench-surest 1.0"
    assert 0.5 < lines["surest"]["accuracy"]["value"] <= 1
    fitted = run("fusion", "fit", "--corpus", "toy", "--strategy", "surest", "--no-track", "--out", tmp_path / "s.json", "--json")
    assert fitted["strategy"] == "surest"
    page = (
        "from workbench.training import catalogue\n"
        "from workbench.training.tune import Tuner\n"
        "from workbench.views.tune.page import TunePage\n"
        "page = TunePage(lambda: Tuner(catalogue.load('toy'), draws=50))\n"
        "page.sliders.strategy = 'surest'\n"
        "print(page.sliders.param['strategy'].objects, page.sliders.strategy)"
    )
    done = subprocess.run([python, "-c", page], capture_output=True, text=True, timeout=300, env=os.environ | {"PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    assert "'surest'" in done.stdout


def test_the_corpus_is_listed_checked_benchmarked_and_audited(run: Run, tmp_path: Path) -> None:
    rows = {r["name"]: r for r in run("corpora", "list", "--json")}
    assert rows["toy"]["package"] == "workbench-toy-corpus 1.0"
    assert run("corpora", "check", "toy", "--json")["clips"] == 1
    asked = {"name": "toy", "source": {"corpus": "toy", "predictions": ["face", "surest"]}, "groupings": ["sex"], "track": False}
    asked |= {"metrics": ["accuracy", "balanced_accuracy"], "audit": {"draws": 200}}
    (tmp_path / "audit.yaml").write_text(yaml.safe_dump(asked))
    run("audit", "run", "--config", tmp_path / "audit.yaml", "--out", tmp_path / "out", "--json")
    for predictions in ("face", "surest"):
        table = json.loads((tmp_path / "out" / predictions / "audit.json").read_text())["groups"]
        assert {r["metric"] for r in table} == {"accuracy", "balanced_accuracy"}
        assert all(r["low"] <= r["value"] <= r["high"] for r in table if r["value"] is not None)


def test_the_feature_enters_a_score_with_its_evidence(run: Run, stored: Path, tmp_path: Path) -> None:
    (tmp_path / "rate.yaml").write_text("scoring:\n  engagement: {speaking_ratio: 0.5, speech_rate: 0.5}\n")
    shutil.copytree(stored, tmp_path / "s")
    changed = run("replay", tmp_path / "s", "--settings", tmp_path / "rate.yaml", "--out", tmp_path / "new", "--json")
    assert changed
    lines = [json.loads(line) for line in (tmp_path / "new" / "scores.jsonl").read_text().splitlines()]
    (score,) = [s for s in lines if s["name"] == "engagement" and s["scope"] == "session"]
    (part,) = [c for c in score["contributions"] if c["feature"] == "speech_rate"]
    assert part["unit"] == "words/min"
    assert part["evidence"]
    assert np.isclose(sum(c["contribution"] for c in score["contributions"]), score["value"])
