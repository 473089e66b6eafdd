"""Recordings of people for tests (from the zoo), and the speech stages run over samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from praatio import textgrid

from workbench import zoo
from workbench.speech.words import normal
from workbench.streams import AudioBlock

Samples = NDArray[np.float32]
Spans = list[tuple[str, float, float]]
RATE = 16000

READ = {
    "mary.wav": "mary rolled the barrel",
    "bobby.wav": "bobby ripped the ledger",
    "arctic_a0009.wav": "he turned sharply and faced gregson across the table",
    "61-70968-0000.flac": "he began a confused complaint against the wizard who had vanished behind the curtain on the left",
}
"""Read recordings of four voices and their words."""
_ENTRIES = {
    "mary": "speech-words", "bobby": "speech-words", "arctic_a0009": "speech-arctic", "61-70968-0000": "speech-read",
    "13697_11991_000000": "speech-spanish", "acoustic_corpus": "speech-fillers", "cold_corpus": "speech-fillers",
    "cold_corpus3": "speech-fillers",
}  # fmt: skip
_PHONES = {"he": 2, "turned": 4, "sharply": 6, "and": 3, "faced": 4, "gregson": 7, "across": 5, "the": 2, "table": 5}


def path(file: str) -> Path:
    return zoo.path(_ENTRIES[Path(file).stem.removesuffix("_phone").removesuffix("_words")]) / file


def recording(file: str) -> Samples:
    """Mono float32 at 16 kHz."""
    samples, rate = soundfile.read(path(file), dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(samples.mean(axis=1), rate, RATE), np.float32)


def hand_timed(file: str) -> Spans:
    """Words with start and end (s): by hand for mary and bobby, from ARCTIC's labels for arctic_a0009, else by another aligner."""
    if file == "arctic_a0009.wav":
        edges = [tuple(int(t) / 1e7 for t in line.split()[:2]) for line in path("arctic_a0009_phone.lab").read_text().splitlines()]
        spans, at = [], 1  # the first label is silence
        for word, phones in _PHONES.items():
            spans.append((word, edges[at][0], edges[at + phones - 1][1]))
            at += phones
        return spans
    stem = Path(file).stem
    grid = textgrid.openTextgrid(str(path("bobby_words.TextGrid" if stem == "bobby" else f"{stem}.TextGrid")), False)
    tier = next(grid.getTier(name) for name in grid.tierNames if "word" in name.lower())
    return [(normal(label), start, end) for start, end, label in tier.entries if normal(label)]


def blocks(samples: Samples, length: int = 8000, first: int = 0) -> Iterator[AudioBlock]:
    for i in range(0, len(samples), length):
        yield AudioBlock(first + i, samples[i : i + length])


def through(stage: Any, items: Iterable[Any]) -> list[Any]:
    """Everything that a fresh stream of items makes of a stage."""
    stage.reset()
    out = [o for item in items if isinstance(item, stage.spec.consumes) for o in stage.process(item)]
    return out + list(stage.flush())
