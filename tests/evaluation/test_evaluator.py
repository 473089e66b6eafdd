"""Figures of held-out predictions: the quick way equals the audit's, differences are paired, intervals cover the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.evaluation import bootstrap, metrics
from workbench.evaluation.cross_validation import LEVEL, Evaluator
from workbench.evaluation.gaps import worst
from workbench.evaluation.samples import Samples
from workbench.fusion.batch import ModalityBatch

CLASSES = ("a", "b", "c", "d")


def some_samples(seed: int = 0, persons: int = 14, clips: int = 8) -> Samples:
    """Votes of five on four classes, with many ties; two groups."""
    rng = np.random.default_rng(seed)
    n = persons * clips
    labels = rng.integers(4, size=n)
    features = {m: rng.multinomial(5, 0.1 + 0.6 * np.eye(4)[labels]) / 5 for m in ("visual", "audio")}
    person_ids = np.repeat([f"p{i:02d}" for i in range(persons)], clips)
    groups = pd.DataFrame({"sex": np.where(np.arange(n) // clips % 2, "female", "male")})
    clip = np.array([f"c{i}" for i in range(n)])
    return Samples("generated", "generated votes", clip, ModalityBatch.of(features), labels, person_ids, groups, CLASSES, "0" * 12)


def reference(metric: metrics.Metric, person: np.ndarray, who: np.ndarray, drawn: np.ndarray) -> bootstrap.Estimate:
    """The same interval by way of moments, as an audit makes it, from given draws of people."""
    sums = np.stack([np.bincount(person, column, minlength=person.max() + 1) for column in metric.sums.T], axis=1)[who]
    k = sums.shape[1]
    squares = (sums[:, :, None] * sums[:, None, :]).reshape(len(sums), -1)
    sample = bootstrap.Sample(len(sums), len(sums), sums.sum(axis=0), sums.T @ sums, drawn @ sums, (drawn @ squares).reshape(-1, k, k))
    return bootstrap.estimate(metric, sample, LEVEL)


def numbers(interval: bootstrap.Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_quick_way_equals_the_interval_of_an_audit(seed: int) -> None:
    samples = some_samples(seed)
    evaluator = Evaluator(samples, draws=100, seed=seed)
    first, second = (evaluator.score([samples.features[m]]) for m in ("visual", "audio"))
    made = {
        m: {x.name: x for x in metrics.classifier(samples.features[m], samples.labels, CLASSES, np.ones(len(samples)))}
        for m in samples.features
    }
    everyone = np.arange(len(evaluator.person_ids))
    for name in metrics.NAMES:
        one, two = made["visual"][name], made["audio"][name]
        expected = reference(one, evaluator.person_index, everyone, evaluator.weights[1:])
        assert numbers(first.interval(name)) == pytest.approx(numbers(expected), rel=1e-12, abs=1e-12, nan_ok=True), name
        expected = reference(metrics.paired(two, one), evaluator.person_index, everyone, evaluator.weights[1:])
        assert numbers(first.minus(second, name)) == pytest.approx(numbers(expected), rel=1e-9, abs=1e-12, nan_ok=True), name
    by_group = {g: first.groups["sex"][g] for g in ("female", "male")}
    expected_groups = [
        reference(made["visual"]["accuracy"], evaluator.person_index, evaluator.members["sex"][g], d.weights[1:])
        for g, d in by_group.items()
    ]
    for d, expected in zip(by_group.values(), expected_groups, strict=True):
        assert numbers(d.estimate) == pytest.approx(numbers(expected), rel=1e-12, abs=1e-12, nan_ok=True)
    _, _, gap = worst(expected_groups, LEVEL, 1.0)
    assert numbers(first.gap("sex")) == pytest.approx((gap.difference, gap.low, gap.high), rel=1e-12, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_a_draw_is_the_same_as_repeating_the_clips_of_its_people(seed: int) -> None:
    samples = some_samples(seed, persons=6)
    evaluator = Evaluator(samples, draws=3, seed=seed)
    score = evaluator.score([samples.features["audio"]])
    rows = np.repeat(np.arange(len(samples)), evaluator.weights[1].astype(int)[evaluator.person_index])
    for m in metrics.classifier(samples.features["audio"][rows], samples.labels[rows], CLASSES, np.ones(len(rows))):
        if m.name in metrics.NAMES:
            assert score.figures[m.name].values[1] == pytest.approx(m.value(m.sums.sum(axis=0)), abs=1e-12), m.name


def test_the_first_draw_is_the_sample_and_the_others_take_as_many_people() -> None:
    evaluator = Evaluator(some_samples(), draws=50, seed=3)
    assert evaluator.weights.shape == (51, 14)
    np.testing.assert_array_equal(evaluator.weights[0], 1)
    np.testing.assert_array_equal(evaluator.weights.sum(axis=1), 14)
    np.testing.assert_array_equal(evaluator.weights, Evaluator(some_samples(1), draws=50, seed=3).weights)


def test_a_figure_over_several_fits_is_their_mean() -> None:
    samples = some_samples()
    evaluator = Evaluator(samples, draws=20)
    runs = [samples.features["visual"], samples.features["audio"]]
    each, both = [evaluator.score([r]) for r in runs], evaluator.score(runs)
    for name in metrics.NAMES:
        assert both.value(name) == pytest.approx(np.mean([s.value(name) for s in each]))
    for group, drawn in both.groups["sex"].items():
        np.testing.assert_allclose(drawn.values, np.mean([s.groups["sex"][group].values for s in each], axis=0))


def test_what_never_differs_is_a_difference_of_nothing() -> None:
    samples = some_samples()
    score = Evaluator(samples, draws=20).score([samples.features["visual"]])
    for name in metrics.NAMES:
        assert numbers(score.minus(score, name)) == (0, 0, 0)
    assert numbers(score.gap_minus(score, "sex")) == (0, 0, 0)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    samples = some_samples(persons=60, clips=20)
    samples = replace(samples, labels=np.zeros(len(samples), np.int64))
    covered = 0
    for trial in range(200):
        rate = np.clip(rng.normal(0.7, 0.1, 60), 0, 1)  # people differ; the mean over people is the truth
        wrong = rng.random(len(samples)) > np.repeat(rate, 20)
        probs = np.where(wrong[:, None], [0.1, 0.7, 0.1, 0.1], [0.7, 0.1, 0.1, 0.1])
        interval = Evaluator(samples, 200, trial).score([probs]).interval("accuracy")
        covered += interval.low <= 0.7 <= interval.high
    assert 0.90 <= covered / 200 <= 0.99


def test_the_interval_of_an_ece_holds_its_figure_though_drawing_inflates_it() -> None:
    rng = np.random.default_rng(0)
    samples = some_samples(persons=40, clips=10)
    confidence = rng.uniform(0.5, 1, len(samples))
    labels = (rng.random(len(samples)) > confidence).astype(int)  # perfectly calibrated: all of the ECE is noise
    probs = np.stack([confidence, 1 - confidence, *np.zeros((2, len(samples)))], axis=1)
    score = Evaluator(replace(samples, labels=labels), draws=500).score([probs])
    assert score.figures["ece"].values[1:].mean() > score.value("ece")
    interval = score.interval("ece")
    assert 0 <= interval.low <= interval.value <= interval.high


def test_without_draws_there_is_a_figure_and_no_interval() -> None:
    samples = some_samples()
    interval = Evaluator(samples, draws=0).score([samples.features["visual"]]).interval("accuracy")
    assert 0 < interval.value < 1
    assert np.isnan([interval.low, interval.high]).all()


def test_groups_of_one_are_said_and_left_out_of_gaps() -> None:
    samples = some_samples()
    rare = samples.groups.assign(race=np.where(samples.persons == "p00", "rare", "common"))
    evaluator = Evaluator(replace(samples, groups=rare), draws=20)
    assert evaluator.suppressed == ["race rare: 1 person, fewer than 5: left out of gaps"]
    assert np.isnan(evaluator.score([samples.features["visual"]]).gap("race").value)
