"""What modalities add and cost: by hand on small cases, and on CREMA-D's votes against the known accuracies."""

import numpy as np
import pandas as pd
import pytest

from workbench.audit import AuditError
from workbench.audit.options import Options
from workbench.audit.stats.groups import MISSING
from workbench.audit.strategies import held_out
from workbench.audit.studies import modalities
from workbench.audit.studies.modalities import Fused, costs, gap_change, subsets
from workbench.evaluation.samples import from_votes
from workbench.labels import CREMA_D

CLASSES = ("no", "yes")


def shares(right, labels):
    """Probabilities whose argmax is the label where `right`."""
    said = np.where(np.asarray(right), np.asarray(labels) == "yes", np.asarray(labels) != "yes")
    return np.stack([1 - 0.8 * said - 0.1, 0.8 * said + 0.1], axis=1)


@pytest.fixture(scope="module")
def simulated():
    """Forty people of two groups; `start` is fair, `better` is right more often but for group a only."""
    random = np.random.default_rng(0)
    person = np.repeat(np.arange(40), 25)
    group = np.where(person < 20, "a", "b")
    labels = random.choice(CLASSES, len(person))
    start = random.random(len(person)) < 0.6
    better = start | ((group == "a") & (random.random(len(person)) < 0.75))
    return {"person": person, "group": group, "labels": labels, "start": start, "better": better}


@pytest.fixture(scope="module")
def table(simulated):
    s = simulated
    fused = [
        Fused("average", ("face",), shares(s["start"], s["labels"])),
        Fused("average", ("voice", "face"), shares(s["better"], s["labels"])),
        Fused("product", ("voice", "face"), shares(s["start"], s["labels"])),
        Fused("rules", ("voice", "face"), shares(s["better"] & s["start"] & (s["person"] % 3 > 0), s["labels"])),
    ]
    return costs(fused, s["labels"], {"group": s["group"]}, s["person"], CLASSES, draws=400)


def test_every_set_of_modalities():
    assert subsets(("a", "b", "c")) == [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]


def test_what_a_modality_adds_and_costs_is_counted_from_the_baseline(table, simulated):
    s = simulated
    better = table.iloc[1]
    assert better["accuracy"] == pytest.approx(s["better"].mean())
    assert better["change"] == pytest.approx(s["better"].mean() - s["start"].mean())
    assert better["change_low"] > 0
    in_a = s["group"] == "a"
    gap = {k: s[k][in_a].mean() - s[k][~in_a].mean() for k in ("start", "better")}
    assert better["gap"] == pytest.approx(gap["better"])
    assert (better["highest"], better["lowest"]) == ("a", "b")
    assert better["gap_change"] == pytest.approx(gap["better"] - abs(gap["start"]))
    assert 0 < better["gap_change_low"] < better["gap_change"] < better["gap_change_high"]


def test_the_same_predictions_change_nothing_and_say_so(table):
    for row in (0, 2):  # the baseline itself, and a strategy with its predictions
        assert table.iloc[row][["change", "change_low", "change_high", "gap_change"]].tolist() == [0.0] * 4


def test_the_frontier_leaves_out_what_another_beats():
    accuracy, gap = np.array([0.7, 0.8, 0.8, 0.6, 0.7]), np.array([0.05, 0.10, 0.12, 0.06, 0.05])
    # the third is as accurate as the second with a larger gap; the fourth is beaten in both; equals stand side by side
    assert modalities._frontier(accuracy, gap) == [True, True, False, False, True]


def test_intervals_of_the_change_of_a_gap_cover_it():
    """100 samples of forty people in which the gap grows from 0.1 to 0.3: the truth lies in about 95 of the intervals."""
    random = np.random.default_rng(1)
    person = np.repeat(np.arange(40), 20)
    group = np.where(person < 20, "a", "b")
    hits = 0
    for turn in range(100):
        skill = np.clip(random.normal(np.where(np.arange(40) < 20, 0.6, 0.5), 0.1), 0.05, 0.9)[person]
        draw = random.random(len(person))
        before, after = draw < skill, draw < skill + np.where(group == "a", 0.2, 0.0)
        ones = np.ones(len(person))
        pair = [modalities.metrics.ratio("accuracy", "accuracy", x.astype(float), ones) for x in (before, after)]
        _, low, high = gap_change(*pair, {"group": group}, person, Options(draws=200, seed=turn, intersections=1))["group"]
        hits += low <= 0.2 <= high
    assert 89 <= hits <= 100


def test_votes_give_the_known_accuracies_on_people_that_nothing_was_fitted_on(votes):
    samples = from_votes(votes)
    fused = [
        Fused(name, subset, held_out(name, samples, [{"voice": "audio", "face": "visual"}[m] for m in subset]))
        for name, subset in (("average", ("face",)), ("average", ("voice", "face")), ("logistic", ("voice", "face")))
    ]
    found = costs(fused, votes.table["label"], votes.table[["sex", "race"]], votes.persons, CREMA_D, draws=200)
    by_sex = found[found["grouping"] == "sex"]
    assert by_sex["accuracy"].tolist() == pytest.approx([0.690, 0.657, 0.776], abs=0.006)
    assert by_sex["change_high"].iloc[1] < 0  # averaging in the voice loses accuracy, certainly
    assert by_sex["change_low"].iloc[2] > 0  # a regression over both gains some
    assert MISSING not in set(found["highest"]) | set(found["lowest"])
    assert found.groupby("grouping")["frontier"].any().all()


def test_what_cannot_be_costed(votes):
    with pytest.raises(AuditError, match="strategies: 'stacking' is not known; choose among average, rules"):
        held_out("stacking", from_votes(votes), ["audio"])
    with pytest.raises(AuditError, match="modality costs: no predictions given"):
        costs([], [], {}, [], CLASSES)
    one = Fused("average", ("face",), np.tile([0.4, 0.6], (20, 1)))
    with pytest.raises(AuditError, match=r"baseline: 'average \(voice\)' not among average \(face\)"):
        costs([one], ["yes"] * 20, {"g": ["a", "b"] * 10}, range(20), CLASSES, baseline="average (voice)")


def test_columns_are_what_the_pages_read(table):
    assert list(table.columns) == modalities.COLUMNS
    assert isinstance(table, pd.DataFrame)
