"""Multinomial logistic regression on the modalities' probabilities side by side, one for each set of usable modalities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SettingsError
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.calibration import softmax
from workbench.fusion.occlusion import shares
from workbench.fusion.strategy import Bools, Floats, Strategy


class Logistic:
    """A regression per subset of modalities: what is missing is left out, never imputed.

    Parameters
    ----------
    modalities : tuple of str
        At most four: the number of regressions doubles with each.
    extras : mapping
        Modality → further feature blocks that are used with it (a face's strengths with its probabilities).
    c : float
        Inverse strength of the L2 penalty.
    models : mapping, optional
        "a+b" → (coefficients of shape (features, k), intercepts of shape (k,)); `fit` fills it.
    """

    name: ClassVar[str] = "logistic"

    def __init__(
        self,
        modalities: tuple[str, ...] = ("visual", "audio"),
        extras: Mapping[str, Sequence[str]] | None = None,
        c: float = 1.0,
        models: Mapping[str, tuple[Floats, Floats]] | None = None,
    ) -> None:
        if not 1 <= len(modalities) <= 4:
            raise SettingsError(f"fusion.parameters.modalities: 1 to 4 modalities; got {len(modalities)}")
        self.modalities, self.extras = tuple(modalities), {m: list(e) for m, e in (extras or {}).items()}
        self.c, self.models = c, dict(models or {})

    def _features(self, subset: Sequence[str], batch: ModalityBatch, rows: Bools) -> Floats:
        return np.hstack([batch.features[name][rows] for m in subset for name in (m, *self.extras.get(m, ()))])

    def fit(self, batch: ModalityBatch, labels: NDArray[np.int64], persons: NDArray[Any] | None = None) -> Logistic:
        from sklearn.linear_model import LogisticRegression

        used = [m for m in self.modalities if m in batch]
        k = batch.features[used[0]].shape[1]
        self.models = {}
        for size in range(1, len(used) + 1):
            for subset in combinations(used, size):
                rows = np.all([batch.masks[m] for m in subset], axis=0)
                if len(np.unique(labels[rows])) < 2:
                    continue  # nothing to learn: rows with just these stay NaN
                model = LogisticRegression(C=self.c, max_iter=1000).fit(self._features(subset, batch, rows), labels[rows])
                self.models["+".join(subset)] = _all_classes(model, k)
        return self

    def _rows(self, batch: ModalityBatch) -> Iterator[tuple[str, list[str], Bools]]:
        """Every fitted subset with the rows in which exactly its modalities are usable."""
        known = [m for m in self.modalities if m in batch]
        for key in self.models:
            subset = key.split("+")
            if set(subset) <= set(known):
                yield key, subset, np.all([batch.masks[m] == (m in subset) for m in known], axis=0)

    def predict(self, batch: ModalityBatch) -> Floats:
        if not self.models:
            raise SettingsError(f"fusion.strategy: {self.name} has not been fitted; give the file that `workbench fusion fit` wrote")
        if lost := [e for m in self.modalities if m in batch for e in self.extras.get(m, ()) if e not in batch]:
            raise SettingsError(f"fusion.strategy: {self.name} learned from {', '.join(lost)}, too; fit one on the probabilities alone")
        out = np.full((len(batch), len(next(iter(self.models.values()))[1])), np.nan)
        for key, subset, rows in self._rows(batch):
            matrix, bias = self.models[key]
            out[rows] = softmax(self._features(subset, batch, rows) @ matrix + bias)
        return out

    def weights(self, batch: ModalityBatch) -> dict[str, Floats]:
        return shares(self.predict, [m for m in self.modalities if m in batch], batch)

    def to_dict(self) -> dict[str, Any]:
        models = {key: {"matrix": w.tolist(), "bias": b.tolist()} for key, (w, b) in self.models.items()}
        return {"modalities": list(self.modalities), "extras": self.extras, "c": self.c, "models": models}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Strategy:
        """From `to_dict`; keys that are absent take the defaults."""
        models = {k: (np.asarray(m["matrix"], float), np.asarray(m["bias"], float)) for k, m in values.get("models", {}).items()}
        own = {k: values[k] for k in ("modalities", "extras", "c") if k in values}
        return cls(**own, models=models)


def _all_classes(model: Any, k: int) -> tuple[Floats, Floats]:
    """Coefficients over all k classes; a class that the training data never showed gets a probability near 0."""
    matrix, bias = np.zeros((model.n_features_in_, k)), np.full(k, -30.0)
    if len(model.classes_) == 2:  # sklearn then keeps one row only
        bias[model.classes_] = 0.0
        matrix[:, model.classes_[1]], bias[model.classes_[1]] = model.coef_[0], model.intercept_[0]
    else:
        matrix[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    return matrix, bias
