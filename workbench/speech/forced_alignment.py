"""PocketSphinx: when each word of a known text was spoken."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.speech.pronunciation import pronounce

_FRAME = 0.01  # s
# A frame's score says how far the word's sound lies behind the best-fitting sound (0 = it is the best). The curve was
# fitted to 219 words of seven test recordings that were spoken (median -21) and 34 that were not (median -62).
_MIDDLE, _SLOPE = -50.0, 0.08


class Timed(NamedTuple):
    start: float
    end: float
    confidence: float


def confidence(score_per_frame: float) -> float:
    """How well a word fits the sound it was put on, in [0, 1]; a rank, not a calibrated probability."""
    return 1.0 / (1.0 + math.exp(-_SLOPE * (score_per_frame - _MIDDLE)))


class ForcedAligner:
    """PocketSphinx with its US English model; words outside the dictionary get a pronunciation from eSpeak NG.

    Parameters
    ----------
    folder : Path
        Holds ``en-us`` (acoustic model) and ``cmudict-en-us.dict``.
    """

    def __init__(self, folder: Path) -> None:
        import pocketsphinx

        # beams this wide cost little in alignment; at 1e-80 a hoarse voice was lost halfway through
        self._decoder = pocketsphinx.Decoder(
            hmm=str(folder / "en-us"), dict=str(folder / "cmudict-en-us.dict"), lm=None, samprate=16000, bestpath=False,
            loglevel="FATAL", beam=1e-200, wbeam=1e-180, pbeam=1e-200,
        )  # fmt: skip
        self._added: dict[str, str | None] = {}

    def entry(self, word: str) -> str | None:
        """The dictionary's key for a word (lower case), added if need be; None where it cannot be pronounced."""
        if word not in self._added:
            self._added[word] = word
            if self._decoder.lookup_word(word) is None:
                phones = pronounce(word)
                self._added[word] = f"added-{len(self._added)}" if phones else None
                if phones:
                    self._decoder.add_word(self._added[word], phones, True)
        return self._added[word]

    def align(self, samples: NDArray[np.float32], words: list[str]) -> list[Timed] | None:
        """Times of `words` (keys of `entry`) in mono float32 samples at 16 kHz, or None where the text does not fit."""
        pcm = (samples * 32767).clip(-32768, 32767).astype(np.int16).tobytes()
        try:
            self._decoder.set_align_text(" ".join(words))
            self._pass(pcm)
            self._decoder.set_alignment()  # the second pass times the sounds within the words found by the first
            self._pass(pcm)
            found = [w for w in self._decoder.get_alignment() if w.name[0] not in "<+["]
        except RuntimeError:
            return None
        if len(found) != len(words):
            return None
        return [Timed(w.start * _FRAME, (w.start + w.duration) * _FRAME, confidence(w.score / max(1, w.duration))) for w in found]

    def _pass(self, pcm: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
