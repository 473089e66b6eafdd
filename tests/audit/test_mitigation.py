"""Mitigation on people with a known gap: what is gained, what is lost, and what is refused."""

import numpy as np
import pytest

from workbench.audit import AuditError
from workbench.audit.studies import mitigation


def people(shift, seed=0, persons=60, rows=12):
    """A yes/no decision from one feature that sits `shift` lower for group b, whose true labels are as frequent."""
    random = np.random.default_rng(seed)
    person = np.repeat(np.arange(persons), rows)
    group = np.where(person < persons // 2, "a", "b")
    positive = random.random(len(person)) < 0.5
    feature = random.normal(1.2 * positive - shift * (group == "b"))
    return feature[:, None], positive, group, person


@pytest.fixture(scope="module")
def table():
    return mitigation.compare(*people(1.0), folds=3, draws=300).set_index("method")


def test_a_gap_that_was_put_in_is_found_and_thresholds_close_it(table):
    assert list(table.index) == list(mitigation.METHODS)
    none, thresholds = table.loc["none"], table.loc["thresholds"]
    assert (none["highest"], none["lowest"]) == ("a", "b")
    assert none["low"] < none["accuracy"] < none["high"]
    assert none["gap_low"] > 0.1  # certainly a gap
    assert thresholds["gap"] < none["gap"] / 2
    assert thresholds["gap_change_high"] < 0  # certainly closed a good part of it
    assert thresholds["gap_change"] == pytest.approx(thresholds["gap"] - none["gap"])


def test_the_constraint_narrows_the_gap_without_seeing_the_group_when_it_decides(table):
    assert table.loc["reduction", "gap"] < table.loc["none", "gap"] + 0.02


def test_what_is_traded_is_shown(table):
    moved = table.drop(index="none")
    assert moved["change"].to_numpy() == pytest.approx((moved["accuracy"] - table.loc["none", "accuracy"]).to_numpy())
    shown = moved[(moved["change"] != 0)]
    assert ((shown["change_low"] < shown["change"]) & (shown["change"] < shown["change_high"])).all()
    assert len(shown)


def test_weights_make_group_and_label_independent():
    y = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    group = np.array(list("aaaabbbb"))
    w = mitigation._independent(y, group)
    for g in "ab":  # by hand: a has 3 of 4 ones, b has 1 of 4; weighted, both have half
        assert w[(group == g) & (y == 1)].sum() == pytest.approx(w[(group == g) & (y == 0)].sum())
    assert w[0] == pytest.approx(0.5 * 0.5 / (3 / 8))


def test_a_group_of_one_label_is_refused():
    features, positive, group, person = people(0.0)
    with pytest.raises(AuditError, match="mitigation: b has one kind of label only in a fold"):
        mitigation.compare(features, positive | (group == "b"), group, person, draws=100)


def test_too_few_people_for_a_gap():
    features, positive, group, person = people(0.0, persons=16)
    group = np.where(person < 12, "a", "b")
    with pytest.raises(AuditError, match="mitigation: fewer than two groups have enough people for a gap"):
        mitigation.compare(features, positive, group, person, draws=100, folds=2)
