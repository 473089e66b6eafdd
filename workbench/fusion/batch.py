"""What a fusion strategy is given: features of every modality, which rows may be used, and how good the input was."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.streams import Bools, Floats


@dataclass(frozen=True)
class ModalityBatch:
    """Rows (windows or clips) of several modalities side by side.

    Parameters
    ----------
    features : mapping of str to ndarray, shape (n, k)
        Feature block → values. The blocks called like a `contracts.Modality` ("visual", "audio", "language") hold class
        probabilities; further blocks ("visual_strength") hold anything else. NaN where a row was not measured.
    masks : mapping of str to ndarray of bool, shape (n,)
        Feature block → True where the row may be used. Has the same keys as `features`.
    quality : mapping of str to ndarray, shape (n,), optional
        What rules look at: "snr_db" (dB), "face_px" (px); NaN where not known.

    Raises
    ------
    ValueError
        If keys or lengths disagree.
    """

    features: Mapping[str, Floats]
    masks: Mapping[str, Bools]
    quality: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.features) != set(self.masks):
            raise ValueError(f"features {sorted(self.features)} and masks {sorted(self.masks)} must have the same names")
        lengths = {len(a) for part in (self.features, self.masks, self.quality) for a in part.values()}
        if len(lengths) > 1:
            raise ValueError(f"features, masks and quality must have the same number of rows; got {sorted(lengths)}")
        if flat := [name for name, values in self.features.items() if values.ndim != 2]:
            raise ValueError(f"features must have two axes (rows, columns); {', '.join(flat)} has not")

    @classmethod
    def of(cls, features: Mapping[str, Floats]) -> ModalityBatch:
        """Features whose rows may be used wherever none of their values is NaN.

        Examples
        --------
        >>> import numpy as np
        >>> batch = ModalityBatch.of({"visual": np.array([[0.8, 0.2], [np.nan, np.nan]])})
        >>> len(batch), batch.masks["visual"].tolist()
        (2, [True, False])
        """
        return cls(features, {name: np.asarray(~np.isnan(values).any(axis=1)) for name, values in features.items()})

    def __len__(self) -> int:
        return len(next(iter(self.masks.values()))) if self.masks else 0

    def __contains__(self, name: object) -> bool:
        return name in self.features

    def rows(self, index: NDArray[Any]) -> ModalityBatch:
        """These rows only; `index` holds row numbers, or is True for each row to keep."""
        parts = ({name: values[index] for name, values in part.items()} for part in (self.features, self.masks, self.quality))
        return ModalityBatch(*parts)

    def only(self, names: Collection[str]) -> ModalityBatch:
        """With the named feature blocks alone, in their present order."""
        kept = [name for name in self.features if name in names]
        return ModalityBatch({n: self.features[n] for n in kept}, {n: self.masks[n] for n in kept}, self.quality)

    def with_features(self, features: Mapping[str, Floats]) -> ModalityBatch:
        """With other values in some blocks; masks and quality stay."""
        return ModalityBatch({**self.features, **features}, self.masks, self.quality)

    def without(self, name: str) -> ModalityBatch:
        """With one block masked in every row."""
        return ModalityBatch(self.features, {**self.masks, name: np.zeros(len(self), bool)}, self.quality)
