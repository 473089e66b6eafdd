"""A fusion strategy that believes whichever modality is surer: ``fusion.strategy: surest`` in the settings."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.contracts import EMOTION_MODALITIES
from workbench.fusion.batch import ModalityBatch


class Surest:
    """Takes the distribution whose highest probability is higher; nothing is learned."""

    name = "surest"

    def fit(self, batch: ModalityBatch, labels: Any, persons: Any = None) -> "Surest":
        return self

    def predict(self, batch: ModalityBatch) -> np.ndarray:
        weights = self.weights(batch)
        mixed = sum(np.where(w[:, None] > 0, batch.features[m], 0) * w[:, None] for m, w in weights.items())
        usable = np.any(list(weights.values()), axis=0)
        return np.where(usable[:, None], mixed, np.nan)

    def weights(self, batch: ModalityBatch) -> dict[str, np.ndarray]:
        sure = {m: np.where(batch.masks[m], batch.features[m].max(axis=1), -1.0) for m in EMOTION_MODALITIES if m in batch}
        best = np.max(list(sure.values()), axis=0)
        tied = {m: (s == best) & (s >= 0) for m, s in sure.items()}
        return {m: t / np.maximum(np.sum(list(tied.values()), axis=0), 1) for m, t in tied.items()}

    def to_dict(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Surest":
        return cls()
