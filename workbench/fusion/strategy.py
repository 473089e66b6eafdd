"""The one interface of every fusion strategy, and their registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import SettingsError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Strategy(Protocol):
    """Fuses per-modality arrays into class probabilities.

    `tracks` maps a modality ("visual", "audio", "prosody", "text", ...) to an array of shape (n, k); `masks` maps it to
    a bool array (n,), True where the row may be used. Rows without any usable modality come out as NaN. `quality`
    (optional; keys such as "snr_db", "face_px") carries what rule-based strategies look at, each of shape (n,).
    """

    name: ClassVar[str]

    def fit(
        self, tracks: Mapping[str, Floats], masks: Mapping[str, Bools], labels: NDArray[np.int64], persons: NDArray[Any] | None = None
    ) -> Strategy:
        """Learn from training rows; `persons` (n,) says whose they are, for what has to be held out inside the fit."""
        ...

    def predict(self, tracks: Mapping[str, Floats], masks: Mapping[str, Bools], quality: Mapping[str, Floats] | None = None) -> Floats: ...

    def weights(
        self, tracks: Mapping[str, Floats], masks: Mapping[str, Bools], quality: Mapping[str, Floats] | None = None
    ) -> dict[str, Floats]:
        """How much each modality counted in each row, shape (n,); they sum to 1 where any was usable."""
        ...

    def to_dict(self) -> dict[str, Any]: ...

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Strategy: ...


_REGISTRY: dict[str, Callable[[Mapping[str, Any]], Strategy]] = {}


def register(name: str, build: Callable[[Mapping[str, Any]], Strategy]) -> None:
    """Make a strategy available to settings by name; `build` takes what `to_dict` gave."""
    _REGISTRY[name] = build


def names() -> list[str]:
    return sorted(_REGISTRY)


def build(name: str, values: Mapping[str, Any]) -> Strategy:
    """A strategy from its name and plain values.

    Raises
    ------
    SettingsError
        If no strategy of that name is registered.
    """
    if name not in _REGISTRY:
        raise SettingsError(f"fusion.strategy: {name!r} is not known; choose one of {', '.join(names())}")
    return _REGISTRY[name](values)
