"""Whatever cannot be audited is refused with one line that says what, where and what to do."""

import numpy as np
import pytest

from workbench.audit import AuditError, run

GROUPS = {"g": np.repeat(["a", "b"], 10)}
LABELS = ["yes", "no"] * 10
PROBABILITIES = np.tile([[0.7, 0.3], [0.4, 0.6]], (10, 1))
SCORES = np.linspace(0, 1, 20)


def change(values, row, value):
    values = np.array(values, dtype=object if isinstance(value, str) else float)
    values[row] = value
    return values


CASES = {
    "labels outside the set": (
        {"predictions": LABELS, "labels": change(LABELS, 3, "maybe"), "classes": ["yes", "no"]},
        "labels: 'maybe' not among the classes yes, no",
    ),
    "predictions outside the set": (
        {"predictions": change(LABELS, 3, "maybe"), "labels": LABELS, "classes": ["yes", "no"]},
        "predictions: 'maybe' not among",
    ),
    "missing labels": ({"predictions": LABELS, "labels": [None, *LABELS[1:]]}, r"labels: 1 of 20 \(first: row 0\) is missing"),
    "too few labels": ({"predictions": LABELS, "labels": LABELS[1:]}, "labels: 19 for 20 predictions"),
    "no labels": ({"predictions": LABELS, "labels": None}, "labels: a classifier is audited against true labels"),
    "negative weights": (
        {"predictions": LABELS, "labels": LABELS, "weights": change(np.ones(20), 4, -1)},
        r"weights: 1 of 20 \(first: row 4\) is negative",
    ),
    "weights of zero": ({"predictions": LABELS, "labels": LABELS, "weights": np.zeros(20)}, "weights: all are 0"),
    "NaN scores": (
        {"predictions": change(SCORES, 7, np.nan), "labels": None, "kind": "score"},
        r"predictions: 1 of 20 \(first: row 7\) is NaN or infinite",
    ),
    "NaN probabilities": (
        {"predictions": change(PROBABILITIES, 2, np.nan), "labels": LABELS, "classes": ["yes", "no"]},
        r"predictions: 1 of 20 \(first: row 2\) is NaN",
    ),
    "words as scores": ({"predictions": LABELS, "labels": None, "kind": "score"}, "predictions: not all values are numbers"),
    "probabilities above 1": ({"predictions": change(PROBABILITIES, 2, 1.5), "labels": LABELS, "classes": ["yes", "no"]}, "outside"),
    "probabilities that do not sum to 1": (
        {"predictions": change(PROBABILITIES, 2, 0.9), "labels": LABELS, "classes": ["yes", "no"]},
        "not a distribution",
    ),
    "columns without names": ({"predictions": PROBABILITIES, "labels": LABELS}, "classes: name the columns"),
    "a column too many": ({"predictions": PROBABILITIES, "labels": LABELS, "classes": ["yes", "no", "maybe"]}, "2 columns for 3 classes"),
    "one class": ({"predictions": ["yes"] * 20, "labels": ["yes"] * 20}, "two or more different names"),
    "nothing": ({"predictions": [], "labels": []}, "predictions: none given"),
    "no grouping": ({"predictions": LABELS, "labels": LABELS, "groups": {}}, "groups: no grouping given"),
    "groups of another length": ({"predictions": LABELS, "labels": LABELS, "groups": {"g": ["a"]}}, "groups: 1 rows for 20 predictions"),
    "an unknown metric": ({"predictions": LABELS, "labels": LABELS, "metrics": ["auc"]}, "metrics: auc not among accuracy, macro_f1"),
    "an unknown kind": ({"predictions": LABELS, "labels": LABELS, "kind": "ranking"}, "kind: 'ranking' is not known"),
    "an unknown option": ({"predictions": LABELS, "labels": LABELS, "draw": 10}, "audit options: unknown key 'draw'"),
    "an impossible option": ({"predictions": LABELS, "labels": LABELS, "level": 1.5}, "audit options: level: input should be less than 1"),
    "transcripts that are none": ({"predictions": [1] * 20, "labels": [2] * 20, "kind": "asr"}, "predictions: row 0 is a int"),
    "an empty reference": ({"predictions": ["a"] * 20, "labels": ["um"] * 20, "kind": "asr"}, "labels: row 0 has no words"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_clear_line(case):
    arguments, message = CASES[case]
    with pytest.raises(AuditError, match=message) as error:
        run(**{"groups": GROUPS, **arguments})
    assert "\n" not in str(error.value)


def test_a_constant_prediction_is_audited_and_named():
    found = run(["yes"] * 20, LABELS, GROUPS, draws=100)
    assert any(note.startswith("the prediction is always 'yes'") for note in found.notes)
    recall = found.groups.query("metric == 'recall_no' and grouping == 'g'")
    assert (recall["value"] == 0).all()
    # nobody in five was right: the true share is above 1 - 0.025^(1/5) with probability 2.5 % at most
    assert recall["high"].tolist() == pytest.approx([1 - 0.025 ** (1 / 5)] * 2)


def test_a_constant_score_is_audited_and_named():
    found = run(np.full(20, 0.5), None, GROUPS, kind="score", draws=100)
    assert found.notes == ["the score is always 0.5: groups cannot differ in it, whatever the truth is"]
    mean = found.groups.query("metric == 'mean_score' and grouping == 'g'")
    assert (mean["reason"] == "no difference between people: an interval cannot be estimated").all()
    assert mean["value"].isna().all()


def test_never_a_bare_point_estimate():
    found = run(LABELS, LABELS[::-1], GROUPS, draws=100)
    for table, ends in (
        (found.groups, ("value", "low", "high")),
        (found.gaps, ("difference", "low", "high")),
        (found.worst, ("gap", "low", "high")),
    ):
        value, low, high = (table[c] for c in ends)
        assert (value.isna() == low.isna()).all()
        assert (value.isna() == high.isna()).all()
        assert ((low <= value) & (value <= high) | value.isna()).all()
