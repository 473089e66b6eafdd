"""Metrics that are plain functions: the caller's, and those of installed packages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import balanced_accuracy_score, brier_score_loss

from tests.support.packages import fresh, install
from workbench import audit
from workbench.audit import AuditError

PEOPLE = 60


def rows(seed: int = 0, gap: float = 0.25) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Predictions, labels, groups and people: sixty people of two groups, ten rows each; group b is right less often by `gap`."""
    random = np.random.default_rng(seed)
    person = np.repeat(np.arange(PEOPLE), 10)
    group = np.where(person % 2 == 0, "a", "b")
    truth = random.choice(["no", "yes"], len(person), p=(0.7, 0.3))
    right = random.random(len(person)) < np.where(group == "a", 0.9, 0.9 - gap)
    guess = np.where(right, truth, np.where(truth == "yes", "no", "yes"))
    return guess, truth, {"group": group}, person


def one(table: pd.DataFrame, **where: Any) -> pd.Series:
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_a_function_gives_the_same_figures_as_called_by_hand() -> None:
    guess, truth, groups, person = rows()
    weights = np.random.default_rng(1).uniform(0.5, 2, len(guess))
    found = audit.run(guess, truth, groups, people=person, weights=weights, metrics={"balanced": balanced_accuracy_score}, draws=200)
    for g in ("a", "b"):
        mine = groups["group"] == g
        expected = balanced_accuracy_score(truth[mine], guess[mine], sample_weight=weights[mine])
        assert one(found.groups, group=g, metric="balanced")["value"] == pytest.approx(expected)
    gap = one(found.gaps, grouping="group", metric="balanced")
    assert gap["found"], "a gap of 25 points among 60 people stands"
    assert "accuracy" in found.metrics, "the kind's own figures are there, too"
    assert "jackknife" in found.figures["balanced"].note


def test_its_interval_is_that_of_the_same_figure_made_of_sums() -> None:
    guess, truth, groups, person = rows()

    def accuracy(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        return float(np.average(y_true == y_pred, weights=sample_weight))

    found = audit.run(guess, truth, groups, people=person, metrics={"mine": accuracy}, draws=2000)
    for g in ("a", "b"):
        own, mine = (one(found.groups, group=g, metric=m) for m in ("accuracy", "mine"))
        assert mine["value"] == pytest.approx(own["value"])
        assert mine["high"] - mine["low"] == pytest.approx(own["high"] - own["low"], rel=0.15)


def test_of_probabilities_the_most_probable_class_is_given() -> None:
    guess, truth, groups, person = rows()
    probabilities = np.where((guess == "yes")[:, None], [0.2, 0.8], [0.8, 0.2])
    found = audit.run(
        probabilities, truth, groups, people=person, classes=["no", "yes"], metrics={"balanced": balanced_accuracy_score}, draws=200
    )
    assert one(found.groups, grouping="overall", metric="balanced")["value"] == pytest.approx(balanced_accuracy_score(truth, guess))


def test_a_stored_audit_keeps_it(tmp_path: Path) -> None:
    guess, truth, groups, person = rows()
    found = audit.run(guess, truth, groups, people=person, metrics={"balanced": balanced_accuracy_score}, draws=200)
    again = audit.Audit.load(found.save(tmp_path))
    pd.testing.assert_frame_equal(again.groups, found.groups)
    assert again.label("balanced") == "balanced"


def test_a_caller_s_function_that_fails_is_one_clear_line() -> None:
    guess, truth, groups, person = rows()
    with pytest.raises(AuditError, match="metrics: 'brier' cannot be computed: ValueError"):
        audit.run(guess, truth, groups, people=person, metrics={"brier": brier_score_loss}, draws=200)
    with pytest.raises(AuditError, match="needs labels"):
        audit.run(np.linspace(0, 1, len(guess)), None, groups, people=person, kind="score", metrics={"x": max}, draws=200)


def test_a_function_cannot_take_the_name_of_an_own_figure() -> None:
    guess, truth, groups, person = rows()
    with pytest.raises(AuditError, match="'accuracy' is a figure of the audit itself; give the function another name"):
        audit.run(guess, truth, groups, people=person, metrics={"accuracy": balanced_accuracy_score}, draws=200)


POINTS = {"workbench.metrics": {"halved": "toy_metrics:halved", "broken": "toy_metrics:broken", "absent": "toy_none:absent"}}
SOURCE = """
def halved(y_true, y_pred, sample_weight):
    return float((y_true == y_pred).mean() / 2)

def broken(y_true, y_pred, sample_weight):
    raise ZeroDivisionError("no rows of class 7")
"""


def test_an_installed_metric_is_named_in_an_audits_yaml(tmp_path: Path) -> None:
    site = install(tmp_path / "site", "toy-metrics", POINTS, {"toy_metrics": SOURCE})
    guess, truth, groups, person = rows()
    pd.DataFrame({"guess": guess, "truth": truth, "who": person, **groups}).to_csv(tmp_path / "rows.csv", index=False)
    table = {"path": str(tmp_path / "rows.csv"), "kind": "classifier", "prediction": "guess", "label": "truth", "person": "who"}
    asked = {"name": "toy", "source": {"table": table}, "groupings": ["group"], "audit": {"draws": 200}, "track": False}

    def audited(*metrics: str) -> Any:
        (tmp_path / "audit.yaml").write_text(yaml.safe_dump(asked | {"metrics": list(metrics)}))
        command = ("-m", "workbench", "audit", "run", "--config", tmp_path / "audit.yaml", "--out", tmp_path / "out", "--json")
        return fresh(*command, packages=(site,), folder=tmp_path)

    done = audited("accuracy", "halved", "broken")
    assert done.returncode == 0, done.stderr
    stored = json.loads((tmp_path / "out" / "guess" / "audit.json").read_text())
    by = {(r["group"], r["metric"]): r for r in stored["groups"]}
    assert by["a", "halved"]["value"] == pytest.approx(by["a", "accuracy"]["value"] / 2)
    assert by["a", "halved"]["low"] < by["a", "halved"]["value"] < by["a", "halved"]["high"]
    assert by["a", "broken"]["value"] is None
    assert "from the package toy-metrics 1.0" in stored["figures"]["halved"]["note"]
    line = (
        "package toy-metrics 1.0: 'broken' of workbench.metrics is left out: it cannot be computed: ZeroDivisionError: no rows of class 7"
    )
    assert line in stored["notes"]
    assert line in done.stderr
    assert "halved" in (tmp_path / "out" / "audit.html").read_text(), "and it stands on the page"

    code = (
        "import numpy as np; from workbench import audit\n"
        "truth = np.array(['no', 'yes'] * 60); group = {'g': np.array(['a', 'b'] * 60)}\n"
        "found = audit.change(truth, truth[::-1], truth, group, metrics=METRICS, draws=200)\n"
        "print(found.metrics, found.notes)"
    )
    both = fresh("-c", code.replace("METRICS", "['accuracy', 'halved']"), packages=(site,))
    assert "['accuracy']" in both.stdout
    assert "halved: a change is computed of the audit's own figures only" in both.stdout
    alone = fresh("-c", code.replace("METRICS", "['halved']"), packages=(site,))
    assert "AuditError: metrics: a change is computed of the audit's own figures only; halved is none of them" in alone.stderr

    done = audited("accuracy", "absent")
    assert done.returncode == 2
    assert "package toy-metrics 1.0: 'absent' of workbench.metrics is left out: it cannot be imported" in done.stderr
    done = audited("accuracy", "unheard_of")
    assert done.returncode == 2
    assert "metrics: unheard_of not among accuracy" in done.stderr
