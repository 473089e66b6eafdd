"""Forced alignment with PocketSphinx: when each word of a known text was spoken."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.speech.pronunciation import pronounce

_FRAME = 0.01  # s
# A frame's score is how much lower the word's sound scores than the best-fitting sound (0: it is the best one). The
# curve was fitted to 219 words of seven test recordings that were spoken (median -21) and 34 that were not (median -62).
_MIDDLE, _SLOPE = -50.0, 0.08


class AlignedWord(NamedTuple):
    """Start and end in seconds from the first sample, and a confidence in [0, 1]."""

    start: float
    end: float
    confidence: float


def confidence(score_per_frame: float) -> float:
    """How well a word fits the audio it was aligned with, in [0, 1]; ranks words, is not a calibrated probability."""
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

        # wide beams cost little in alignment; at 1e-80 the alignment of a hoarse voice failed halfway
        self._decoder = pocketsphinx.Decoder(
            hmm=str(folder / "en-us"), dict=str(folder / "cmudict-en-us.dict"), lm=None, samprate=16000, bestpath=False,
            loglevel="FATAL", beam=1e-200, wbeam=1e-180, pbeam=1e-200,
        )  # fmt: skip
        self._added: dict[str, str | None] = {}

    def entry(self, word: str) -> str | None:
        """The dictionary's key for a word (lower case), which is added if missing; None where the word cannot be pronounced."""
        if word not in self._added:
            self._added[word] = word
            if self._decoder.lookup_word(word) is None:
                phones = pronounce(word)
                self._added[word] = f"added-{len(self._added)}" if phones else None
                if phones:
                    self._decoder.add_word(self._added[word], phones, True)
        return self._added[word]

    def align(self, samples: NDArray[np.float32], words: list[str]) -> list[AlignedWord] | None:
        """Times of known words.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,)
            Mono at 16 kHz, in [-1, 1].
        words : list of str
            Keys that `entry` gave, in the order in which they were spoken.

        Returns
        -------
        list of AlignedWord or None
            One a word; None where the text does not fit the samples.
        """
        pcm = (samples * 32767).clip(-32768, 32767).astype(np.int16).tobytes()
        try:
            self._decoder.set_align_text(" ".join(words))
            self._pass(pcm)
            self._decoder.set_alignment()  # the second pass times the sounds within the words of the first
            self._pass(pcm)
            aligned = [w for w in self._decoder.get_alignment() if w.name[0] not in "<+["]
        except RuntimeError:
            return None
        if len(aligned) != len(words):
            return None
        return [AlignedWord(w.start * _FRAME, (w.start + w.duration) * _FRAME, confidence(w.score / max(1, w.duration))) for w in aligned]

    def _pass(self, pcm: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
