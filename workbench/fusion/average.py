"""The blueprint's heuristic fusion: a weighted average of the modalities' probabilities over those that are usable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SettingsError
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.strategy import Bools, Floats

DEFAULT: dict[str, float] = {"visual": 0.6, "audio": 0.4}


def checked(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights as they came.

    Raises
    ------
    SettingsError
        If one is negative or not a number, or none is above 0.
    """
    for name, value in weights.items():
        if not (np.isfinite(value) and value >= 0):
            raise SettingsError(f"fusion.weights.{name}: must be a number of at least 0; got {value!r}")
    if not any(weights.values()):
        raise SettingsError("fusion.weights: at least one modality needs a weight above 0")
    return dict(weights)


def renormalised(shares: Mapping[str, Floats], masks: Mapping[str, Bools]) -> dict[str, Floats]:
    """Shares of shape (n,) over the usable modalities: they sum to 1 in every row, or are all 0 where none is usable."""
    usable = {m: np.where(masks[m], shares[m], 0.0) for m in shares}
    total = np.sum(list(usable.values()), axis=0)
    return {m: np.divide(s, total, out=np.zeros_like(s), where=total > 0) for m, s in usable.items()}


def mix(features: Mapping[str, Floats], shares: Mapping[str, Floats]) -> Floats:
    """``Σ share × probabilities``, normalised to sum to 1; NaN in rows where all shares are 0."""
    total = np.sum([np.where(s[:, None] > 0, features[m], 0.0) * s[:, None] for m, s in shares.items()], axis=0)
    norm = total.sum(axis=1, keepdims=True)
    return np.divide(total, norm, out=np.full_like(total, np.nan), where=norm > 0)


class Average:
    """Weighted average; nothing is learned.

    Parameters
    ----------
    weights : mapping
        Modality → weight before masking, at least 0; modalities without one do not count.

    Examples
    --------
    Where a modality may not be used, the others count for all:

    >>> import numpy as np
    >>> from workbench.fusion.batch import ModalityBatch
    >>> face = np.array([[0.8, 0.2], [np.nan, np.nan]])
    >>> voice = np.array([[0.4, 0.6], [0.4, 0.6]])
    >>> batch = ModalityBatch.of({"visual": face, "audio": voice})
    >>> Average({"visual": 0.5, "audio": 0.5}).predict(batch).round(2).tolist()
    [[0.6, 0.4], [0.4, 0.6]]
    """

    name: ClassVar[str] = "average"

    def __init__(self, weights: Mapping[str, float] = DEFAULT) -> None:
        self.base = checked(weights)

    def fit(self, batch: ModalityBatch, labels: NDArray[np.int64], persons: NDArray[Any] | None = None) -> Average:
        return self

    def weights(self, batch: ModalityBatch) -> dict[str, Floats]:
        return renormalised({m: np.full(len(batch), w) for m, w in self.base.items() if m in batch}, batch.masks)

    def predict(self, batch: ModalityBatch) -> Floats:
        return mix(batch.features, self.weights(batch))

    def to_dict(self) -> dict[str, Any]:
        return {"weights": self.base}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Average:
        """From `to_dict`; other keys (settings of other strategies) are left alone."""
        return cls(values.get("weights", DEFAULT))
