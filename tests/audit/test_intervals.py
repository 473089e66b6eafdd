"""Intervals and gaps on simulated people whose true gaps are known."""

import numpy as np
import pytest

from workbench import audit
from workbench.audit import benchmark
from workbench.audit.stats import simulation
from workbench.evaluation import bootstrap
from workbench.evaluation.bootstrap import Estimate
from workbench.evaluation.gaps import adjust, gap, worst


@pytest.fixture(scope="module")
def covered():
    """Share of intervals that hold the truth, over 200 simulated audits of groups of 6 to 80 people."""
    return benchmark.coverage(200)


# 1,800 intervals each (fewer ratios): the standard error of a share is about 0.7 points, correlation between metrics counted
@pytest.mark.parametrize("what", ["value", "difference", "ratio"])
def test_95_percent_intervals_cover_93_to_97_percent(covered, what):
    assert 0.93 <= covered[what] <= 0.97


def test_the_largest_gap_is_covered_at_least_as_often(covered):
    assert covered["worst"] >= 0.95


@pytest.fixture(scope="module")
def alarms():
    """Share of 100 audits of samples without gaps, uneven groups and crossed groupings, in which any gap was called real."""
    return benchmark.false_alarms(100, controls=("bh", "none"))  # bh lets through whatever Holm does


def test_no_more_than_5_percent_false_alarms_without_gaps(alarms):
    assert alarms["bh"] <= 0.05


def test_without_control_most_audits_would_raise_a_false_alarm(alarms):
    assert alarms["none"] > 0.5


def test_the_list_of_gaps_follows_the_control_that_was_asked_for():
    s = simulation.people({"a": 61, "b": 22, "c": 17}, {"a": 0.7, "b": 0.6, "c": 0.78}, random=np.random.default_rng(8))
    for control in ("bh", "holm", "none"):
        found = audit.run(s.probabilities, s.labels, s.groups, people=s.people, classes=simulation.CLASSES, draws=200, control=control)
        tested = found.gaps[found.gaps["tested"]]
        assert tested["p_adjusted"].to_numpy() == pytest.approx(adjust(tested["p"].to_numpy(), control))
        assert (tested["found"] == (tested["p_adjusted"] < 0.05)).all()


def test_a_large_gap_is_found():
    s = simulation.people({"a": 40, "b": 40}, {"a": 0.8, "b": 0.6}, random=np.random.default_rng(2))
    found = audit.run(s.probabilities, s.labels, s.groups, people=s.people, classes=simulation.CLASSES, draws=200)
    assert found.gaps.set_index("metric").loc["accuracy", "found"]


def test_people_are_the_unit_not_rows():
    # the same people seen ten times as often: the interval over people hardly narrows, the naive one would by √10
    width = {}
    for rows in ((20, 20), (200, 200)):
        s = simulation.people({"a": 30, "b": 30}, 0.7, rows=rows, spread=10, random=np.random.default_rng(4))
        found = audit.run(s.probabilities, s.labels, s.groups, people=s.people, classes=simulation.CLASSES, draws=200)
        overall = found.groups.query("grouping == 'overall' and metric == 'accuracy'").iloc[0]
        width[rows] = overall["high"] - overall["low"]
    assert 0.7 < width[200, 200] / width[20, 20] < 1.1


def test_bundles_give_the_interval_of_the_people(monkeypatch):
    s = simulation.people({"a": 1500, "b": 1500}, {"a": 0.7, "b": 0.72}, rows=(5, 5), random=np.random.default_rng(9))
    arguments = {"people": s.people, "classes": simulation.CLASSES, "draws": 1000, "metrics": ["accuracy"]}
    bundled = audit.run(s.probabilities, s.labels, s.groups, **arguments).groups
    monkeypatch.setattr(bootstrap, "BUNDLES", 10_000)
    whole = audit.run(s.probabilities, s.labels, s.groups, **arguments).groups
    assert bundled["value"].to_numpy() == pytest.approx(whole["value"].to_numpy())
    assert bundled["n_people"].tolist() == whole["n_people"].tolist() == [3000, 1500, 1500]
    assert (bundled["high"] - bundled["low"]).to_numpy() == pytest.approx((whole["high"] - whole["low"]).to_numpy(), rel=0.12)


def test_the_same_seed_gives_the_same_audit_whatever_else_is_audited():
    s = simulation.people({"a": 12, "b": 20}, 0.7, random=np.random.default_rng(3), others={"sex": ("f", "m")})
    alone = audit.run(s.scores, None, {"group": s.groups["group"]}, people=s.people, kind="score", draws=200)
    beside = audit.run(s.scores, None, s.groups, people=s.people, kind="score", draws=200)
    assert (
        alone.groups.query("grouping == 'group'")
        .reset_index(drop=True)
        .equals(beside.groups.query("grouping == 'group'").reset_index(drop=True))
    )


def estimate(value, low, high, people=50):
    return Estimate(value, low, high, (high - low) / 4, people)


def test_gap_by_hand():
    # MOVER: 0.2 - sqrt(0.05² + 0.12²) and 0.2 + sqrt(0.1² + 0.05²)
    found = gap(estimate(0.8, 0.75, 0.9), estimate(0.6, 0.55, 0.72), 0.95)
    assert (found.low, found.high) == pytest.approx((0.2 - 0.13, 0.2 + np.hypot(0.1, 0.05)))
    assert found.ratio == pytest.approx(0.8 / 0.6)
    assert found.p < 0.05


def test_p_is_5_percent_exactly_where_the_interval_ends_at_zero():
    found = gap(estimate(0.5, 0.44, 0.6), estimate(0.4, 0.3, 0.48), 0.95)
    assert found.low == pytest.approx(0.0)
    assert found.p == pytest.approx(0.05)


def test_worst_is_the_gap_between_extremes_and_wider_than_the_pair_alone():
    estimates = [estimate(0.6, 0.55, 0.65), estimate(0.8, 0.75, 0.85), estimate(0.7, 0.65, 0.75)]
    top, bottom, found = worst(estimates, 0.95)
    alone = gap(estimates[1], estimates[0], 0.95)
    assert (top, bottom) == (1, 0)
    assert found.difference == alone.difference
    assert found.low < alone.low < alone.high < found.high
    assert found.ratio == pytest.approx(0.75)


def test_adjustments_by_hand():
    p = [0.01, 0.02, 0.03]
    assert adjust(p, "holm") == pytest.approx([0.03, 0.04, 0.04])
    assert adjust(p, "bh") == pytest.approx([0.03, 0.03, 0.03])
    assert adjust(p, "none") == pytest.approx(p)
