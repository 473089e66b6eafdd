"""Mitigation of a yes/no decision by Fairlearn, shown with what it trades: every method on held-out people.

Group-aware thresholds and constraints need the protected attribute to decide. Where a decision is about employment in the
United States, adjusting scores or cut-offs by race, sex or national origin is itself unlawful (42 U.S.C. § 2000e-2(l)): these
figures say what a gap would cost to close, not what may be done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.audit.options import AuditError, Options, options
from workbench.audit.stats import core
from workbench.audit.studies.modalities import gap_change
from workbench.evaluation import metrics
from workbench.evaluation.metrics import Floats

if TYPE_CHECKING:
    import pandas as pd

METHODS: dict[str, str] = {
    "none": "one logistic regression for all",
    "reweighting": "training rows weighted so that group and label are independent (Kamiran & Calders 2012)",
    "reduction": "trained under a true-positive-rate constraint (exponentiated gradient, Agarwal et al. 2018)",
    "thresholds": "a threshold of its own for each group (ThresholdOptimizer, Hardt et al. 2016)",
}
LAW = (
    "Group-aware thresholds and constraints use the protected attribute to decide. In US employment decisions, adjusting scores or cut-offs by "  # noqa: E501
    "race, sex or national origin is itself unlawful (42 U.S.C. § 2000e-2(l)). Not legal advice."
)
COLUMNS = [
    "method", "accuracy", "low", "high", "change", "change_low", "change_high", "metric", "highest", "lowest",
    "gap", "gap_low", "gap_high", "gap_change", "gap_change_low", "gap_change_high",
]  # fmt: skip


def compare(
    features: Floats,
    positive: NDArray[np.bool_],
    group: ArrayLike,
    people: ArrayLike,
    folds: int = 5,
    base: Options | None = None,
    **changes: Any,
) -> pd.DataFrame:
    """Accuracy and the gap in true-positive rate of every method of `METHODS`, and their change against none.

    Parameters
    ----------
    features : ndarray, shape (n, k)
    positive : ndarray of bool, shape (n,)
        What the decision should say.
    group : array_like of str, shape (n,)
        The protected attribute; rows of which it is not known are to be left out.
    people : array_like, shape (n,)
        Whom each row is about; folds and intervals are by person.
    folds : int
        At least 2.
    base, **changes
        `Options`, and changes to them.

    Returns
    -------
    DataFrame
        A row a method (`COLUMNS`).

    Raises
    ------
    AuditError
        If a group has only one of the two labels in some fold.
    """
    import pandas as pd

    o = options(base, **{"intersections": 1, **changes})
    persons = np.asarray(people)
    made = _decisions(features, np.asarray(positive), np.asarray(group), persons, folds, o.seed)
    truth = np.where(positive, "yes", "no")
    named = {"group": np.asarray(group)}
    rate = {m: _rate(made[m], np.asarray(positive)) for m in METHODS}
    rows = []
    for method in METHODS:
        said = np.where(made[method], "yes", "no")
        found = core.run(said, truth, named, people=persons, classes=["no", "yes"], metrics=["accuracy", "recall_yes"], base=o)  # type: ignore[arg-type]
        whole = found.groups.query("grouping == 'overall' and metric == 'accuracy'").iloc[0]
        worst = found.worst.query("metric == 'recall_yes'")
        if worst.empty:
            raise AuditError("mitigation: fewer than two groups have enough people for a gap; choose a grouping with larger groups")
        w = worst.iloc[0]
        change, shift = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        if method != "none":
            before = np.where(made["none"], "yes", "no")
            moved = core.change(
                before,
                said,
                truth,
                named,
                people=persons,  # type: ignore[arg-type]
                classes=["no", "yes"],
                metrics=["accuracy"],
                base=o,  # type: ignore[arg-type]
            ).groups.iloc[0]
            if (before != said).any():  # where no decision changed there is nothing to estimate
                change = (moved["value"], moved["low"], moved["high"])
            shift = gap_change(rate["none"], rate[method], named, persons, o)["group"]  # type: ignore[arg-type]
        cells = [method, whole["value"], whole["low"], whole["high"], *change, "recall_yes", w["highest"], w["lowest"]]
        rows.append(dict(zip(COLUMNS, [*cells, w["gap"], w["low"], w["high"], *shift], strict=True)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _rate(said: NDArray[np.bool_], positive: NDArray[np.bool_]) -> metrics.Metric:
    return metrics.ratio("recall_yes", "true-positive rate", (said & positive).astype(float), positive.astype(float))


def _decisions(
    x: Floats, y: NDArray[np.bool_], group: NDArray[Any], people: NDArray[Any], folds: int, seed: int
) -> dict[str, NDArray[np.bool_]]:
    """Every method's decisions about people that it did not learn from."""
    from fairlearn.postprocessing import ThresholdOptimizer
    from fairlearn.reductions import ExponentiatedGradient, TruePositiveRateParity
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    target = y.astype(int)
    made = {m: np.zeros(len(y), dtype=bool) for m in METHODS}
    for train, test in GroupKFold(folds, shuffle=True, random_state=seed).split(x, groups=people):
        for g in sorted(set(group[train])):
            if len(set(target[train][group[train] == g])) < 2:
                raise AuditError(f"mitigation: {g} has one kind of label only in a fold; leave the group out or use fewer folds")
        plain = LogisticRegression(max_iter=1000).fit(x[train], target[train])
        weighted = LogisticRegression(max_iter=1000).fit(x[train], target[train], sample_weight=_independent(target[train], group[train]))
        reduced = ExponentiatedGradient(LogisticRegression(max_iter=1000), TruePositiveRateParity())
        reduced.fit(x[train], target[train], sensitive_features=group[train])
        adjusted = ThresholdOptimizer(
            estimator=plain,
            constraints="true_positive_rate_parity",
            objective="accuracy_score",
            prefit=True,
            predict_method="predict_proba",
        )
        adjusted.fit(x[train], target[train], sensitive_features=group[train])
        made["none"][test] = plain.predict(x[test]) == 1
        made["reweighting"][test] = weighted.predict(x[test]) == 1
        made["reduction"][test] = reduced.predict(x[test], random_state=seed) == 1
        made["thresholds"][test] = adjusted.predict(x[test], sensitive_features=group[test], random_state=seed) == 1
    return made


def _independent(y: NDArray[np.int64], group: NDArray[Any]) -> Floats:
    """``P(group) P(label) / P(group, label)`` of each row."""
    weights = np.empty(len(y))
    for g in set(group):
        for label in (0, 1):
            rows = (group == g) & (y == label)
            weights[rows] = (group == g).mean() * (y == label).mean() / max(rows.mean(), 1 / len(y))
    return weights
