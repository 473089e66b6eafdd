"""High-pass filter: breath pops and handling noise lie below speech in frequency and can be 30 dB louder than it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

CORNER = 70.0
"""Hz; corner frequency, below the lowest pitch of a speaking voice."""


@cache
def _filter(sample_rate: int) -> NDArray[np.float64]:
    from scipy.signal import butter

    return np.asarray(butter(4, CORNER, "highpass", fs=sample_rate, output="sos"))


class HighPass:
    """A fourth-order Butterworth high-pass at 70 Hz that keeps its state between blocks."""

    def __init__(self, sample_rate: int = 16000) -> None:
        self._sos = _filter(sample_rate)
        self.reset()

    def reset(self) -> None:
        self._state = np.zeros((len(self._sos), 2))

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        from scipy.signal import sosfilt

        out, self._state = sosfilt(self._sos, samples, zi=self._state)
        return np.asarray(out, np.float32)
