"""What may be audited: predictions, labels and weights, checked and turned into metrics. Each fault is one clear line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.audit.options import AuditError, Options
from workbench.evaluation import metrics
from workbench.evaluation.decisions import from_labels, top_classes
from workbench.evaluation.metrics import Floats, Metric
from workbench.text_tables import as_text, comparable

LEAST_LIKELIHOOD = 1e-15
"""Probabilities are raised to this in the log-loss of an audit."""


def row_weights(weights: Any, count: int) -> Floats:
    """Row weights, 1 where none are given.

    Raises
    ------
    AuditError
        If the length differs, or a weight is negative, NaN or infinite, or all are zero.
    """
    if weights is None:
        return np.ones(count)
    values = _floats(weights, "weights")
    if values.shape != (count,):
        raise AuditError(f"weights: shape {values.shape} for {count} predictions; give one weight a prediction")
    if (values < 0).any():
        raise AuditError(f"weights: {_which(values < 0)} negative; a weight says how much a row counts, so it is 0 or more")
    if not values.any():
        raise AuditError("weights: all are 0, so nothing is left to audit")
    return values


def classifier(predictions: Any, labels: Any, classes: Sequence[str] | None, weights: Any, o: Options) -> tuple[list[Metric], list[str]]:
    """Metrics and notes of a classifier; `predictions` are probabilities (n, k) in the order of `classes`, or labels (n,).

    Raises
    ------
    AuditError
        If shapes disagree, probabilities are NaN, outside [0, 1] or do not sum to 1, or a label is not one of `classes`.
    """
    if labels is None:
        raise AuditError("labels: a classifier is audited against true labels; give them, or use kind='score' for scores without truth")
    array = np.asarray(predictions)
    truth_values = _labels(labels, "labels", len(array))
    if classes is None:
        if array.ndim == 2:
            raise AuditError("classes: name the columns of the probabilities, in their order")
        classes = sorted({*truth_values, *_labels(array, "predictions", len(array))})
    classes, truth_values, array = _alike([str(c) for c in classes], truth_values, array)
    if len(set(classes)) != len(classes) or len(classes) < 2:
        raise AuditError(f"classes: {classes} must be two or more different names")
    truth = _indices(truth_values, classes, "labels")
    notes = []
    probabilities = predicted = None
    if array.ndim == 2:
        probabilities = _probabilities(array, len(classes))
        decided = top_classes(probabilities)
    elif array.ndim == 1:
        predicted = _indices(_labels(array, "predictions", len(array)), classes, "predictions")
        decided = from_labels(predicted, len(classes))
    else:
        raise AuditError(f"predictions: {array.ndim} dimensions; give labels (n,) or probabilities (n, classes)")
    if (always := decided.min(axis=0) == 1).any():
        notes.append(
            f"the prediction is always {classes[int(always.argmax())]!r}: accuracy is that label's share, "
            "and gaps in it say nothing of the model"
        )
    w = row_weights(weights, len(array))
    return metrics.classifier(probabilities, truth, classes, w, predicted, o.bins, LEAST_LIKELIHOOD), notes


def _alike(classes: list[str], truth: list[str], array: Any) -> tuple[list[str], list[str], Any]:
    """Labels and predictions in one spelling: numbers as numbers (1 is 1.0), without case and blanks around them; as the labels have it.

    Raises
    ------
    AuditError
        If predictions and labels (or the classes' names) share no value.
    """
    spelt: dict[str, str] = {}
    for value in (*truth, *classes):
        spelt.setdefault(comparable(value), value.strip())
    labels = [spelt[comparable(v)] for v in truth]
    named = list(dict.fromkeys(spelt[comparable(c)] for c in classes)) if array.ndim == 1 else [spelt[comparable(c)] for c in classes]
    predicted = named
    if array.ndim == 1:
        array = np.array([spelt.get(comparable(v), v) for v in _labels(array, "predictions", len(array))], object)
        predicted = list(array)
    if labels and not set(labels) & set(predicted):
        shown = [", ".join(sorted(set(values))[:4]) for values in (labels, predicted)]
        raise AuditError(f"predictions and labels share no value: labels are {shown[0]}; predictions are {shown[1]}; write both alike")
    return named, labels, array


def scores(predictions: Any, labels: Any, weights: Any, o: Options) -> tuple[list[Metric], list[str], Floats]:
    """Metrics, notes and the scores themselves; `labels` may be true scores or None.

    Raises
    ------
    AuditError
        If a score is NaN or infinite, or lengths differ.
    """
    values = _floats(predictions, "predictions")
    if values.ndim != 1:
        raise AuditError(f"predictions: shape {values.shape}; give one score a row")
    truth = None if labels is None else _floats(labels, "labels")
    if truth is not None and truth.shape != values.shape:
        raise AuditError(f"labels: {truth.shape[0]} true scores for {len(values)} predictions; give one each")
    notes = []
    if len(values) and np.ptp(values) == 0:
        notes.append(f"the score is always {values[0]:g}: groups cannot differ in it, whatever the truth is")
    return metrics.score(values, truth, row_weights(weights, len(values)), o.threshold), notes, values


def _floats(values: Any, what: str) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise AuditError(f"{what}: not all values are numbers; give one number a row") from None
    bad = ~np.isfinite(array)
    if bad.any():
        rows = bad if array.ndim == 1 else bad.any(axis=tuple(range(1, array.ndim)))
        raise AuditError(f"{what}: {_which(rows)} NaN or infinite; leave these rows out and say so, or give what was decided about them")
    return array


def _which(bad: Any) -> str:
    return f"{int(bad.sum())} of {len(bad)} (first: row {int(np.argmax(bad))}) {'is' if bad.sum() == 1 else 'are'}"


def _probabilities(array: Any, classes: int) -> Floats:
    p = _floats(array, "predictions")
    if p.shape[1] != classes:
        raise AuditError(f"predictions: {p.shape[1]} columns for {classes} classes; give one probability a class")
    outside = ((p < -1e-6) | (p > 1 + 1e-6)).any(axis=1)
    if outside.any():
        raise AuditError(f"predictions: {_which(outside)} outside [0, 1]; give probabilities, or their argmax as labels")
    off = np.abs(p.sum(axis=1) - 1) > 1e-3
    if off.any():
        raise AuditError(f"predictions: {_which(off)} not a distribution (sum is not 1); normalise the rows")
    return np.clip(p, 0, 1)


def _labels(values: Any, what: str, count: int) -> list[str]:
    import pandas as pd

    column = pd.Series(values).reset_index(drop=True)
    if len(column) != count:
        raise AuditError(f"{what}: {len(column)} for {count} predictions; give one each")
    texts = as_text(column)
    missing = np.array([t is None for t in texts], bool)
    if missing.any():
        raise AuditError(f"{what}: {_which(missing)} missing; leave these rows out and say so")
    return [t or "" for t in texts]


def _indices(values: list[str], classes: Sequence[str], what: str) -> NDArray[np.int64]:
    place = {c: i for i, c in enumerate(classes)}
    strange = sorted({v for v in values if v not in place})
    if strange:
        shown = ", ".join(repr(s) for s in strange[:3]) + (f" and {len(strange) - 3} more" if len(strange) > 3 else "")
        raise AuditError(f"{what}: {shown} not among the classes {', '.join(classes)}; correct the value or name the class")
    return np.array([place[v] for v in values], dtype=np.int64)
