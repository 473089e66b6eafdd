"""Sweeps: few trials on a few people's votes, in another process, resumed, tracked, and the best loaded by its alias."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.support.command import Done
from workbench import settings as tree
from workbench.errors import SettingsError
from workbench.evaluation.samples import Samples
from workbench.fusion import fuse
from workbench.settings import Smoothing
from workbench.training import plan as planning
from workbench.training import sequences, sweep

PLAN: dict[str, Any] = {
    "name": "few", "folds": 2, "draws": 50, "trials": 2, "register_as": {"name": "few-votes", "alias": "best"},
    "settings": {"fusion": {"strategy": "calibrated_average", "parameters": {"method": "temperature"}}},
    "search": {"fusion.weights.visual": {"low": 0.1, "high": 1.0}, "smoothing.commit_windows": {"low": 1, "high": 4}},
}  # fmt: skip


def write(path: Path, **changes: Any) -> Path:
    path.write_text(yaml.safe_dump(PLAN | changes))
    return path


def test_a_sweep_goes_on_where_it_stopped_and_its_best_is_loaded_by_alias(
    command: Callable[..., Done], few_votes: Path, store: Path, tmp_path: Path
) -> None:
    file = write(tmp_path / "few.yaml")
    first = command("fusion", "sweep", file, "--path", few_votes, "--jobs", 1, "--json")
    assert first.code == 0, first.err
    assert first.json["trials"] == 2

    import mlflow
    import optuna

    study = optuna.load_study(study_name="few", storage="sqlite:///artifacts/sweeps/few.db")
    lost = study.ask({"fusion.weights.visual": optuna.distributions.FloatDistribution(0.1, 1.0)})  # the process died here
    done = command("fusion", "sweep", file, "--path", few_votes, "--trials", 3, "--jobs", 1, "--json")
    assert done.code == 0, done.err
    found = done.json
    assert found["run"] != first.json["run"]  # of the best
    assert found["sweep_run"] == first.json["sweep_run"]  # goes on
    again = optuna.load_study(study_name="few", storage="sqlite:///artifacts/sweeps/few.db")
    assert [t.state.name for t in again.trials] == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"]
    assert again.trials[3].params["fusion.weights.visual"] == lost.params["fusion.weights.visual"]
    parent = found["sweep_run"]
    children = mlflow.search_runs(experiment_names=["fusion"], filter_string=f"tags.mlflow.parentRunId = '{parent}'", output_format="list")
    assert sorted(r.info.run_name for r in children if r.data.tags.get("kind") == "trial") == ["trial 0", "trial 1", "trial 3"]
    best = max((t for t in again.trials if t.value is not None), key=lambda t: -t.value)
    assert found["best"]["values"] == best.params
    assert found["model"] == "models:/few-votes@best"
    settings = tree.load(Path(found["settings_file"]))
    assert settings.smoothing.commit_windows == best.params["smoothing.commit_windows"]
    assert fuse.build(settings.fusion).inner.base["visual"] == pytest.approx(best.params["fusion.weights.visual"])

    other = write(tmp_path / "other.yaml", seed=5)
    refused = command("fusion", "sweep", other, "--path", few_votes)
    assert refused.code == 2
    assert "was made with another plan or other data" in refused.err


def test_the_reported_figure_is_of_people_that_no_trial_saw(samples: Samples, store: Path, tmp_path: Path) -> None:
    plan = planning.Plan(**PLAN | {"name": "aside", "trials": 1, "register_as": None, "search": {"fusion.weights.visual": [0.0, 0.4]}})
    found = sweep.run(plan, samples, folder=tmp_path)
    assert found["persons_held_out"] == 4  # a fifth of 16
    assert found["judged_on"] == "clips"
    assert set(found["held_out"]["accuracy"]) == {"value", "low", "high"}


def test_impossible_values_are_a_failed_trial_and_said_where_nothing_else_was_tried(samples: Samples, store: Path, tmp_path: Path) -> None:
    search = {"fusion.weights.visual": [0.0], "fusion.weights.audio": [0.0]}
    plan = planning.Plan(**PLAN | {"name": "zero", "trials": 1, "search": search, "register_as": None, "settings": {}})
    with pytest.raises(SettingsError, match=r"no trial worked; the first failed with: fusion\.weights: at least one"):
        sweep.run(plan, samples, folder=tmp_path)


def test_sequences_hold_every_clip_once_and_emotions_for_a_while(samples: Samples) -> None:
    rows = sequences.order(samples, 3)
    assert sorted(rows) == list(range(len(samples)))
    assert (np.diff(np.unique(samples.persons, return_inverse=True)[1][rows]) >= 0).all()  # person by person
    same = samples.labels[rows][1:] == samples.labels[rows][:-1]
    assert same.mean() > 0.5
    plain = Smoothing(method="none", commit_windows=1)
    np.testing.assert_array_equal(sequences.smoothed(samples, samples.features["visual"], plain).probs, samples.features["visual"])
    steady = sequences.smoothed(samples, samples.features["visual"], Smoothing(alpha=0.4))
    raw = np.mean(samples.features["visual"].argmax(axis=1) == samples.labels)
    assert np.mean(steady.label == samples.labels) != raw


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": {}}, "search: "),
        ({"objectiv": "ece"}, "unknown key 'objectiv'"),
        ({"search": {"fusion.wieghts.visual": {"low": 0, "high": 1}}}, "unknown key 'fusion.wieghts'"),
        ({"search": {"fusion.hop": {"low": 0.1, "high": 9.0}}}, "fusion.hop"),
        ({"search": {"fusion.hop": {"low": 1.0, "high": 0.5}}}, "low must be below high"),
        ({"search": {"fusion.hop": {"low": 0.0, "high": 0.5, "log": True}}}, "above 0 where log is true"),
        ({"search": {"fusion.hop": []}}, "the list of choices is empty"),
        ({"search": {"fusion.hop.much": [1]}, "settings": {"fusion": {"hop": 1}}}, "'hop' holds a value"),
        (
            {"search": {"fusion.parameters.hyper.layers": [1]}, "settings": {"fusion": {"strategy": "learned"}}},
            "unknown hyperparameter layers",
        ),
        ({"name": "../evil"}, "name"),
    ],
)
def test_a_bad_plan_is_one_line(changes: dict[str, Any], message: str, command: Callable[..., Done], tmp_path: Path) -> None:
    done = command("fusion", "sweep", write(tmp_path / "bad.yaml", **changes))
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("name", ["fusion_sweep.yaml", "fusion_weights_sweep.yaml"])
def test_plans_that_come_along_can_be_read(name: str) -> None:
    assert planning.load(Path(__file__).parents[2] / "experiments" / name).trials >= 30
