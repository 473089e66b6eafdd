"""A metric for bias audits: ``metrics: [accuracy, balanced_accuracy]`` in an audit's YAML."""

import numpy as np


def balanced_accuracy(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
    """Mean over classes of the share of a class's rows that are right, in [0, 1]."""
    right = sample_weight * (y_true == y_pred)
    recalls = [right[y_true == c].sum() / sample_weight[y_true == c].sum() for c in np.unique(y_true)]
    return float(np.mean(recalls))
