"""Calibrated average: every modality is calibrated on training persons, then averaged, then made as sure as it may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SettingsError
from workbench.fusion.average import checked, mix, renormalised
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.calibration import SMOOTHING, Calibrator, Method
from workbench.fusion.calibration import fit as calibrate
from workbench.fusion.strategy import Bools, Floats, Strategy


class CalibratedAverage:
    """Weighted average of calibrated probabilities, then a temperature.

    An average of calibrated experts is under-confident (Ranjan & Gneiting 2010); the temperature after it corrects that
    and changes no label.

    Parameters
    ----------
    weights : mapping
        Modality → weight before masking; modalities without one are left out.
    method : str
        One of `calibration.METHODS`.
    floor : float
    calibrators : mapping, optional
        Fitted ones, by modality; `fit` fills it.
    final : Calibrator, optional
        The temperature after the average.
    temperatures : mapping, optional
        Modality or "fused" → a temperature set by hand, after calibration: above 1 it makes probabilities less sure.
    minimum : mapping, optional
        Modality → probability that its first class must reach to count, where another modality does.
    """

    name: ClassVar[str] = "calibrated_average"

    def __init__(
        self,
        weights: Mapping[str, float],
        method: Method = "dirichlet",
        floor: float = SMOOTHING,
        calibrators: Mapping[str, Calibrator] | None = None,
        final: Calibrator | None = None,
        temperatures: Mapping[str, float] | None = None,
        minimum: Mapping[str, float] | None = None,
    ) -> None:
        self.base, self.method, self.floor = checked(weights), method, floor
        self.temperatures, self.minimum = dict(temperatures or {}), dict(minimum or {})
        if not all(np.isfinite(t) and t > 0 for t in self.temperatures.values()):
            raise SettingsError(f"fusion.parameters.temperatures: each must be above 0; got {self.temperatures}")
        if not all(0 <= least <= 1 for least in self.minimum.values()):
            raise SettingsError(f"fusion.parameters.minimum: each must lie in [0, 1]; got {self.minimum}")
        self.calibrators, self.final = dict(calibrators or {}), final

    def fit(self, batch: ModalityBatch, labels: NDArray[np.int64], persons: NDArray[Any] | None = None) -> CalibratedAverage:
        usable = {m: batch.masks[m] for m in self.base if m in batch}
        self.calibrators = {m: calibrate(batch.features[m][u], labels[u], self.method, self.floor) for m, u in usable.items()}
        self.final = calibrate(self._pool(batch), labels, "temperature", floor=1e-6)
        return self

    def calibrated(self, batch: ModalityBatch) -> ModalityBatch:
        """Each modality's probabilities after calibration and temperature."""
        used = [m for m in (self.base if self.method == "none" else self.calibrators) if m in batch]
        probs = {m: self.calibrators[m](batch.features[m]) if m in self.calibrators else batch.features[m] for m in used}
        return batch.only(used).with_features({m: tempered(p, self.temperatures.get(m, 1.0)) for m, p in probs.items()})

    def shares(self, batch: ModalityBatch) -> dict[str, Floats]:
        """How much each modality of a calibrated batch counts in each row, shape (n,)."""
        usable: Mapping[str, Bools] = batch.masks
        if any(self.minimum.values()):
            sure = {m: batch.masks[m] & (np.nan_to_num(p).max(axis=1) >= self.minimum.get(m, 0.0)) for m, p in batch.features.items()}
            some = np.any([sure[m] & (self.base[m] > 0) for m in batch.features], axis=0)
            usable = {m: np.where(some, sure[m], batch.masks[m]) for m in batch.features}
        return renormalised({m: np.full(len(batch), self.base[m]) for m in batch.features}, usable)

    def _pool(self, batch: ModalityBatch) -> Floats:
        given = self.calibrated(batch)
        return tempered(mix(given.features, self.shares(given)), self.temperatures.get("fused", 1.0))

    def predict(self, batch: ModalityBatch) -> Floats:
        if self.final is None and self.method != "none":
            raise SettingsError(f"fusion.strategy: {self.name} has not been fitted; give the file that `workbench fusion fit` wrote")
        pooled = self._pool(batch)
        return pooled if self.final is None else self.final(pooled)

    def weights(self, batch: ModalityBatch) -> dict[str, Floats]:
        return self.shares(self.calibrated(batch))

    def to_dict(self) -> dict[str, Any]:
        return {
            "weights": self.base,
            "method": self.method,
            "floor": self.floor,
            "calibrators": {m: c.to_dict() for m, c in self.calibrators.items()},
            "final": self.final.to_dict() if self.final else None,
            "temperatures": self.temperatures,
            "minimum": self.minimum,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Strategy:
        """From `to_dict`; keys that are absent take the defaults."""
        fitted = {m: Calibrator.from_dict(c) for m, c in values.get("calibrators", {}).items()}
        final = Calibrator.from_dict(values["final"]) if values.get("final") else None
        by_hand = {k: values.get(k) for k in ("temperatures", "minimum")}
        return cls(values["weights"], values.get("method", "dirichlet"), values.get("floor", SMOOTHING), fitted, final, **by_hand)


def tempered(probs: Floats, temperature: float) -> Floats:
    """``p^(1/T)``, normalised to sum to 1; rows of NaN stay NaN."""
    if temperature == 1:
        return probs
    raised = np.power(probs, 1 / temperature)
    return raised / raised.sum(axis=1, keepdims=True)
