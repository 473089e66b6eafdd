"""Log-linear pool: a weighted product of the modalities' probabilities, its weights learned on training persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SettingsError
from workbench.fusion.average import renormalised
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.calibration import SMOOTHING, Calibrator, Method, log_shares, softmax
from workbench.fusion.calibration import fit as calibrate
from workbench.fusion.strategy import Floats, Strategy


class Product:
    """``p(c) ∝ prior(c) Π_m (p_m(c) / prior(c))^{w_m}``, modalities that are masked left out (Genest & Zidek 1986).

    With weights of 1 and independent modalities this is Bayes' rule; weights below 1 allow for what they share.

    Parameters
    ----------
    modalities : tuple of str
    method : str
        Calibration of each modality before the product, one of `calibration.METHODS`.
    floor : float
        Added to every probability: without it a single 0 would decide.
    exponents : mapping, optional
        Modality → w, at least 0; `fit` finds them by minimising the log-loss.
    prior : sequence of float, optional
        Class probabilities; `fit` takes those of the training labels.
    calibrators : mapping, optional
    """

    name: ClassVar[str] = "product"

    def __init__(
        self,
        modalities: tuple[str, ...] = ("visual", "audio"),
        method: Method = "none",
        floor: float = SMOOTHING,
        exponents: Mapping[str, float] | None = None,
        prior: Floats | None = None,
        calibrators: Mapping[str, Calibrator] | None = None,
    ) -> None:
        self.modalities, self.method, self.floor = tuple(modalities), method, floor
        self.exponents, self.prior, self.calibrators = dict(exponents or {}), prior, dict(calibrators or {})

    def fit(self, batch: ModalityBatch, labels: NDArray[np.int64], persons: NDArray[Any] | None = None) -> Product:
        from scipy.optimize import minimize

        used = [m for m in self.modalities if m in batch]
        k = batch.features[used[0]].shape[1]
        self.prior = prior = (np.bincount(labels, minlength=k) + 1) / (len(labels) + k)
        self.calibrators = {m: calibrate(batch.features[m][batch.masks[m]], labels[batch.masks[m]], self.method, self.floor) for m in used}
        logs = self._logs(batch)
        rows = np.arange(len(labels))

        def loss(w: Floats) -> float:
            z = np.log(prior) + sum(wi * logs[m] for wi, m in zip(w, used, strict=True))
            return float(-np.log(np.maximum(softmax(z)[rows, labels], 1e-300)).mean())

        result = minimize(loss, np.ones(len(used)), method="L-BFGS-B", bounds=[(0.0, 10.0)] * len(used))
        self.exponents = {m: float(w) for m, w in zip(used, result.x, strict=True)}
        return self

    def _logs(self, batch: ModalityBatch) -> dict[str, Floats]:
        """Log of (probability / prior) by modality; 0, that is no say, where masked."""
        out = {}
        for m, calibrator in self.calibrators.items():
            if m in batch:
                shares = log_shares(calibrator(batch.features[m]), self.floor if calibrator.method == "none" else 1e-6)
                value = shares - np.log(np.asarray(self.prior))
                out[m] = np.where(batch.masks[m][:, None], value, 0.0)
        return out

    def predict(self, batch: ModalityBatch) -> Floats:
        if self.prior is None:
            raise SettingsError(f"fusion.strategy: {self.name} has not been fitted; give the file that `workbench fusion fit` wrote")
        logs = self._logs(batch)
        probs = softmax(np.log(self.prior) + sum(self.exponents[m] * value for m, value in logs.items()))
        probs[~np.any([batch.masks[m] for m in logs], axis=0)] = np.nan
        return probs

    def weights(self, batch: ModalityBatch) -> dict[str, Floats]:
        return renormalised({m: np.full(len(batch), w) for m, w in self.exponents.items() if m in batch}, batch.masks)

    def to_dict(self) -> dict[str, Any]:
        return {
            "modalities": list(self.modalities),
            "method": self.method,
            "floor": self.floor,
            "exponents": self.exponents,
            "prior": None if self.prior is None else np.asarray(self.prior).tolist(),
            "calibrators": {m: c.to_dict() for m, c in self.calibrators.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Strategy:
        """From `to_dict`; keys that are absent take the defaults."""
        own = {k: values[k] for k in ("modalities", "method", "floor", "exponents") if k in values}
        prior = np.asarray(values["prior"], float) if values.get("prior") is not None else None
        return cls(**own, prior=prior, calibrators={m: Calibrator.from_dict(c) for m, c in values.get("calibrators", {}).items()})
