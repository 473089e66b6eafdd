"""The blueprint's rule-based fusion: trust the picture where the sound is poor, the sound where the face is small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from workbench.errors import SettingsError
from workbench.fusion.average import DEFAULT, Average, renormalised
from workbench.fusion.batch import ModalityBatch
from workbench.fusion.strategy import Floats

DOUBT = 0.25
"""A doubted modality counts a quarter of its weight (chosen: with weights 0.6 and 0.4 it turns either preference round)."""


class Rules(Average):
    """Weighted average whose weights follow the quality of each window.

    - SNR below `low_snr_db`: the audio weight is multiplied by `doubt`, so that the visual modality is preferred.
    - Face below `small_face_px`: the visual weight is multiplied by `doubt`, so that the audio modality is preferred.

    Where both are poor both are doubted and the base weights' proportion stays; an unknown quality is not doubted.

    Parameters
    ----------
    weights : mapping
        As in `Average`.
    low_snr_db : float
        dB.
    small_face_px : float
        Shorter side of the face box, px.
    doubt : float
        In [0, 1].
    """

    name: ClassVar[str] = "rules"

    def __init__(
        self, weights: Mapping[str, float] = DEFAULT, low_snr_db: float = 10.0, small_face_px: float = 64.0, doubt: float = DOUBT
    ) -> None:
        super().__init__(weights)
        if not 0 <= doubt <= 1:
            raise SettingsError(f"fusion.parameters.doubt: must lie between 0 and 1; got {doubt!r}")
        self.low_snr_db, self.small_face_px, self.doubt = low_snr_db, small_face_px, doubt

    def weights(self, batch: ModalityBatch) -> dict[str, Floats]:
        shares = {m: np.full(len(batch), w) for m, w in self.base.items() if m in batch}
        for modality, key, limit in (("audio", "snr_db", self.low_snr_db), ("visual", "face_px", self.small_face_px)):
            if modality in shares and key in batch.quality:
                shares[modality] = np.where(batch.quality[key] < limit, shares[modality] * self.doubt, shares[modality])
        return renormalised(shares, batch.masks)

    def to_dict(self) -> dict[str, Any]:
        return {"weights": self.base, "low_snr_db": self.low_snr_db, "small_face_px": self.small_face_px, "doubt": self.doubt}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Rules:
        """From `to_dict`; keys that are absent take the defaults."""
        return cls(**{k: values[k] for k in ("weights", "low_snr_db", "small_face_px", "doubt") if k in values})
