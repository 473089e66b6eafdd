"""A fitted strategy on its way: file, MLflow run, registry, settings, a session fused with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.support.command import Done
from workbench import settings as tree
from workbench.errors import SettingsError
from workbench.evaluation.samples import Samples
from workbench.fusion.stored import Stored, load
from workbench.sessions import replay, synthetic
from workbench.sessions.store import Session
from workbench.training import fitting


def test_from_votes_to_a_session_fused_by_the_registered_name(
    command: Callable[..., Done], few_votes: Path, store: Path, tmp_path: Path
) -> None:
    options = ("--strategy", "logistic", "--folds", 3, "--draws", 50, "--register", "from-votes", "--alias", "champion")
    done = command("fusion", "fit", "--path", few_votes, *options, "--out", tmp_path / "s.json", "--json")
    assert done.code == 0, done.err
    found = done.json
    assert found["model"] == "models:/from-votes@champion"
    assert found["about"]["persons"] == 18
    assert found["figures"]["accuracy"]["low"] < found["figures"]["accuracy"]["value"] < found["figures"]["accuracy"]["high"]

    import mlflow

    run = mlflow.MlflowClient().get_run(found["run"])
    assert run.data.metrics["accuracy"] == pytest.approx(found["figures"]["accuracy"]["value"])
    assert run.data.metrics["versus_average.accuracy"] == pytest.approx(found["versus_average"]["accuracy"]["value"])
    assert run.data.params["seed"] == "0"
    assert len(run.data.tags["data_fingerprint"]) == 12
    assert "git_revision" in run.data.tags
    files = {f.path for f in mlflow.MlflowClient().list_artifacts(found["run"])}
    assert {"model", "report.json", "held_out.png"} <= files

    experiment = tmp_path / "registered.yaml"
    experiment.write_text(yaml.safe_dump(found["settings"]))
    session = Session.open(synthetic.write(tmp_path / "session", 0.5, audio=False))
    by_name = replay.replay_session(session, tree.load(experiment)).windows
    by_file = replay.replay_session(
        session, tree.from_dict({"fusion": {"strategy": "stored", "parameters": {"path": str(tmp_path / "s.json")}}})
    )
    assert [w.line() for w in by_name] == [w.line() for w in by_file.windows]
    assert [w.line() for w in by_name] != [w.line() for w in replay.replay_session(session).windows]

    again = command("fusion", "fit", "--path", few_votes, *options, "--out", tmp_path / "s.json", "--json").json
    assert (found["version"], again["version"]) == ("1", "2")
    listed = command("fusion", "list", "--json").json["registered"]
    assert [(m["model"], m["aliases"], m["strategy"]) for m in listed if "/from-votes/" in m["model"]] == [
        ("models:/from-votes/2", ["champion"], "logistic"),
        ("models:/from-votes/1", [], "logistic"),
    ]


def test_figures_are_those_of_people_left_out(samples: Samples) -> None:
    found = fitting.run(samples, "logistic", folds=4, draws=50)
    inside = found.stored.inner.predict(samples.only(("visual", "audio")).batch)
    fitted = np.mean(inside.argmax(axis=1) == samples.labels)
    assert found.report["figures"]["accuracy"]["value"] < fitted  # what was learned from flatters
    assert np.sum(found.report["confusion"]) == len(samples)
    assert found.report["shares_alone"]["accuracy"] == found.report["figures"]["accuracy"]


def test_the_network_does_without_strengths_and_the_regression_says_it_cannot(samples: Samples, tmp_path: Path) -> None:
    network = fitting.run(samples, "learned", folds=2, draws=20)
    assert network.report["shares_alone"]["accuracy"]["value"] > 0.3
    regression = fitting.run(samples, "logistic_strength", folds=2, draws=20)
    assert regression.report["shares_alone"] is None
    chosen = load(regression.stored.save(tmp_path / "s.json"))
    assert isinstance(chosen, Stored)
    shares = samples.only(("visual", "audio"))
    with pytest.raises(SettingsError, match="learned from visual_strength, audio_strength, too; fit one on the probabilities alone"):
        chosen.predict(shares.batch)


def test_the_same_seed_gives_the_same_file(samples: Samples, tmp_path: Path) -> None:
    first, again = (fitting.run(samples, "learned_shares", seed=4, folds=2, draws=20).stored.save(tmp_path / n) for n in ("a", "b"))
    assert first.read_bytes() == again.read_bytes()
    about = json.loads(first.read_text())["about"]
    assert (about["seed"], about["fingerprint"], about["inputs"]) == (4, samples.fingerprint, ["visual", "audio"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--strategy", "magic"), "--strategy: 'magic' is not known; choose one of voice, face"),
        (("--register", "a/b"), "--register: 'a/b' cannot be a name"),
        (("--alias", "champion"), "give --register NAME, too"),
        (("--register", "a", "--alias", "latest"), "'latest' is reserved"),
        (("--register", "a", "--no-track"), "leave --no-track out"),
    ],
)
def test_bad_options_are_one_line_before_anything_is_fitted(
    options: tuple[str, ...], message: str, command: Callable[..., Done], few_votes: Path
) -> None:
    done = command("fusion", "fit", "--path", few_votes, *options)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
