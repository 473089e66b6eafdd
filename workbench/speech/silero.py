"""Silero voice activity detection on a stream: the probability of speech for every 32 ms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16000
CHUNK = 512
"""Samples of one probability (32 ms)."""
_CONTEXT = 64  # samples of the previous chunk that the network gets again

# The network misses speech in quiet recordings (a hoarse test voice: 63 % of chunks at its own level, 74 % six times
# louder), so each chunk is amplified towards full scale according to the loudest sample of the last seconds.
_TARGET, _MAX_GAIN, _DECAY = 0.7, 8.0, float(np.exp(-CHUNK / SAMPLE_RATE / 10.0))


class Silero:
    """The recurrent network with its state; however many chunks each call gets, the numbers are the same.

    Parameters
    ----------
    path : Path
        The ONNX file with inputs `input` (n, 64 + 512), `h` and `c` (1, 1, 128).
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.reset()

    def reset(self) -> None:
        self._h = np.zeros((1, 1, 128), np.float32)
        self._c = np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)
        self._peak = 0.0

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of speech, shape (n,), of n whole chunks; `samples` has n * 512 values in [-1, 1] at 16 kHz."""
        chunks = samples.reshape(-1, CHUNK)
        gains = self._gains(np.abs(chunks).max(axis=1))
        stream = np.concatenate([self._context, (chunks * gains[:, None]).reshape(-1)])
        windows = np.lib.stride_tricks.sliding_window_view(stream, _CONTEXT + CHUNK)[::CHUNK]
        self._context = stream[-_CONTEXT:]
        out, self._h, self._c = self._session.run(None, {"input": np.ascontiguousarray(windows), "h": self._h, "c": self._c})
        return np.asarray(out, np.float32).reshape(-1)

    def _gains(self, peaks: NDArray[np.float32]) -> NDArray[np.float32]:
        gains = np.empty(len(peaks), np.float32)
        for i, peak in enumerate(peaks):
            self._peak = max(float(peak), self._peak * _DECAY)
            gains[i] = min(max(_TARGET / max(self._peak, 1e-6), 1.0), _MAX_GAIN)
        return gains
