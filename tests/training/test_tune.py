"""What the tuning page says is what the strategy does, and nothing of it was fitted on the people it is predicted of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.support.samples import generated
from workbench import settings as tree
from workbench.errors import CorpusError, SettingsError
from workbench.evaluation.bootstrap import Interval
from workbench.fusion import fuse
from workbench.training import tune
from workbench.training.tune import Point, PointFigures, Tuner

POINT = Point({"visual": 0.7, "audio": 0.3}, {"visual": 0.8, "audio": 1.5, "fused": 0.6}, {"visual": 0.25, "audio": 0.4})


@pytest.fixture(scope="module")
def tuner() -> Tuner:
    return Tuner(generated(persons=24), draws=200)


@pytest.mark.parametrize("method", tune.METHODS)
def test_the_saved_experiment_fuses_as_the_page_does(tuner: Tuner, method: str, tmp_path: Path) -> None:
    point = replace(POINT, method=method, uncertain=0.3)
    path = tmp_path / "tuned.yaml"
    path.write_text(yaml.safe_dump(tuner.experiment(point)))
    settings = tree.load(path)
    assert settings.smoothing.uncertain == 0.3
    probs = fuse.build(settings.fusion).predict(tuner.samples.batch)
    # held-out people only: those tuned on are calibrated crosswise on the page
    np.testing.assert_allclose(probs[tuner.held_out], tuner.fused(point)[tuner.held_out], atol=1e-6)


def test_figures_are_of_those_tuned_on_and_the_sentence_of_the_held_out(tuner: Tuner) -> None:
    point = Point({"visual": 1.0, "audio": 0.0})
    found = tuner.evaluate(point)
    predicted = tuner.samples.features["visual"].argmax(axis=1) == tuner.samples.labels
    equal = (tuner.samples.features["visual"] + tuner.samples.features["audio"]).argmax(axis=1) == tuner.samples.labels
    assert found.figures["accuracy"].value == pytest.approx(predicted[tuner.tuned].mean())
    assert found.gain.value == pytest.approx(predicted[tuner.held_out].mean() - equal[tuner.held_out].mean())
    assert found.confusion.sum() == len(tuner.tuned)
    assert not set(tuner.samples.persons[tuner.tuned]) & set(tuner.samples.persons[tuner.held_out])


def test_calibration_knows_no_label_of_held_out_people(tuner: Tuner) -> None:
    some = generated(persons=24)
    labels = some.labels.copy()
    labels[tuner.held_out] = (labels[tuner.held_out] + 1) % 6
    spoilt = Tuner(replace(some, labels=labels), draws=10)
    for m, x in tuner.calibrated("dirichlet")[0].features.items():
        np.testing.assert_array_equal(x, spoilt.calibrated("dirichlet")[0].features[m])


def test_nobodys_own_clips_calibrate_them(tuner: Tuner) -> None:
    some = generated(persons=24)
    who = some.persons[tuner.tuned[0]]
    labels = np.where(some.persons == who, (some.labels + 1) % 6, some.labels)
    spoilt = Tuner(replace(some, labels=labels), draws=10)
    mine = some.persons == who
    for m, x in tuner.calibrated("temperature")[0].features.items():
        np.testing.assert_array_equal(x[mine], spoilt.calibrated("temperature")[0].features[m][mine])
        assert np.abs(x - spoilt.calibrated("temperature")[0].features[m]).max() > 0


@pytest.mark.parametrize("point", [Point(), POINT, replace(POINT, method="temperature")])
def test_the_frontier_goes_through_the_present_point(tuner: Tuner, point: Point) -> None:
    table = tuner.frontier(point)
    for i in (0, 15, 50):
        face = float(table["face"][i])
        found = tuner.evaluate(replace(point, weights={"visual": face, "audio": 1 - face}))
        assert table["accuracy"][i] == pytest.approx(found.figures["accuracy"].value, abs=1e-12)
        assert table["gap"][i] == pytest.approx(found.figures["gap"].value, abs=1e-12)
    best = table[table["best"]].sort_values("gap")
    assert (np.diff(best["accuracy"]) >= 0).all()


def test_clips_of_a_cell_are_as_many_as_it_says(tuner: Tuner) -> None:
    found, clips = tuner.evaluate(POINT), tuner.clips(POINT, 0, 3)
    assert len(clips) == found.confusion[0, 3]
    assert set(clips["clip"]) <= set(tuner.samples.clips[tuner.tuned])
    assert {"person", "face %", "voice %", "both %", "sex"} <= set(clips)
    assert clips["fused %"].is_monotonic_decreasing


@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        (Interval(0.083, 0.061, 0.104), "This beats the equal average by 8.3 points [6.1, 10.4] on held-out people."),
        (Interval(-0.02, -0.03, -0.01), "This is worse than the equal average by 2.0 points [1.0, 3.0] on held-out people."),
        (Interval(0.01, -0.01, 0.03), "This cannot be told from the equal average: +1.0 points [-1.0, +3.0] on held-out people."),
        (Interval(0.0, 0.0, 0.0), "This decides as the equal average does on held-out people."),
    ],
)
def test_the_sentence_says_no_more_than_the_interval_does(gain: Interval, expected: str) -> None:
    assert PointFigures({}, {}, gain, "", np.zeros((1, 1)), (0, 0)).sentence == expected


def test_impossible_sliders_and_corpora_are_said(tuner: Tuner) -> None:
    nothing = Point({"visual": 0.0, "audio": 0.0})
    for call in (tuner.evaluate, tuner.experiment):
        with pytest.raises(SettingsError, match="at least one modality needs a weight above 0"):
            call(nothing)
    with pytest.raises(CorpusError, match="tuning needs probabilities of face and voice; it has visual"):
        Tuner(generated().only(("visual",)))
