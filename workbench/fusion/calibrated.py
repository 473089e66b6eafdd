"""Calibrated average: every modality is calibrated on training persons, then averaged, then made as sure as it may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SettingsError
from workbench.fusion.average import checked, mix, renormalised
from workbench.fusion.calibration import SMOOTHING, Calibrator, Method
from workbench.fusion.calibration import fit as calibrate
from workbench.fusion.strategy import Bools, Floats, Strategy, register


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
    """

    name: ClassVar[str] = "calibrated_average"

    def __init__(
        self,
        weights: Mapping[str, float],
        method: Method = "dirichlet",
        floor: float = SMOOTHING,
        calibrators: Mapping[str, Calibrator] | None = None,
        final: Calibrator | None = None,
    ) -> None:
        self.base, self.method, self.floor = checked(weights), method, floor
        self.calibrators, self.final = dict(calibrators or {}), final

    def fit(
        self, tracks: Mapping[str, Floats], masks: Mapping[str, Bools], labels: NDArray[np.int64], persons: NDArray[Any] | None = None
    ) -> CalibratedAverage:
        self.calibrators = {m: calibrate(tracks[m][masks[m]], labels[masks[m]], self.method, self.floor) for m in self.base if m in tracks}
        self.final = calibrate(self._pool(tracks, masks), labels, "temperature", floor=1e-6)
        return self

    def _pool(self, tracks: Mapping[str, Floats], masks: Mapping[str, Bools]) -> Floats:
        known = {m: calibrator(tracks[m]) for m, calibrator in self.calibrators.items() if m in tracks}
        return mix(known, self.weights(tracks, masks))

    def predict(self, tracks: Mapping[str, Floats], masks: Mapping[str, Bools], quality: Mapping[str, Floats] | None = None) -> Floats:
        if self.final is None:
            raise SettingsError(f"fusion.strategy: {self.name} has not been fitted; give the file that `workbench fusion fit` wrote")
        return self.final(self._pool(tracks, masks))

    def weights(
        self, tracks: Mapping[str, Floats], masks: Mapping[str, Bools], quality: Mapping[str, Floats] | None = None
    ) -> dict[str, Floats]:
        return renormalised({m: np.full(len(tracks[m]), self.base[m]) for m in self.calibrators if m in tracks}, masks)

    def to_dict(self) -> dict[str, Any]:
        return {
            "weights": self.base,
            "method": self.method,
            "floor": self.floor,
            "calibrators": {m: c.to_dict() for m, c in self.calibrators.items()},
            "final": self.final.to_dict() if self.final else None,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Strategy:
        """From `to_dict`; keys that are absent take the defaults."""
        fitted = {m: Calibrator.from_dict(c) for m, c in values.get("calibrators", {}).items()}
        final = Calibrator.from_dict(values["final"]) if values.get("final") else None
        return cls(values["weights"], values.get("method", "dirichlet"), values.get("floor", SMOOTHING), fitted, final)


register(CalibratedAverage.name, CalibratedAverage.from_dict)
