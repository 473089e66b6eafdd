"""How much each modality counted, for strategies without weights of their own: what changes when it is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workbench.fusion.average import renormalised
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.strategy import Floats

Predict = Callable[[ModalityBatch], Floats]


def shares(predict: Predict, modalities: Sequence[str], batch: ModalityBatch) -> dict[str, Floats]:
    """Share of each modality in a prediction: total variation distance to the prediction without it, made to sum to 1.

    Where leaving a modality out leaves nothing, it alone decided; where nothing changes anything, all count the same.

    Parameters
    ----------
    predict : callable
        ``predict(batch)`` → probabilities, shape (n, k).
    modalities : sequence of str
    batch : ModalityBatch
    """
    whole = predict(batch)
    moved = {}
    for m in modalities:
        without = predict(batch.without(m))
        distance = 0.5 * np.abs(whole - without).sum(axis=1)
        moved[m] = np.where(np.isnan(distance), 1.0, distance) + 1e-9
    return renormalised(moved, batch.masks)
