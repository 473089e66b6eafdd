"""The sample's sound: answers spoken by the synthesiser Kokoro, phrase by phrase, with quiet room noise. All of it is synthetic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import zoo
from workbench.zoo.progress import Progress

RATE = 24000  # Hz, of Kokoro
SPEECH = 0.07  # root mean square of the speech, full scale = 1
NOISE = 0.0015  # root mean square of the room noise: about 33 dB below the speech
FILLERS = ("um", "uh")
SEED = 20240

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Phrase:
    """A spoken phrase."""

    text: str
    samples: Samples
    """Mono at `RATE`, without silence before and after the phrase."""
    pause: float
    """Silence after the phrase, s."""
    words: list[tuple[str, float, float]]
    """Words with their start and end as fractions of the phrase, in [0, 1]."""


def speak(script: Mapping[str, Any], progress: Progress) -> dict[str, list[Phrase]]:
    """Speak every answer of the script, all at the same loudness; the phrases by question."""
    import onnxruntime

    onnxruntime.set_seed(SEED)  # the vocoder draws noise
    total = sum(len(q["phrases"]) for q in script["questions"])
    raw: dict[str, list[Phrase]] = {}
    with _kokoro(script["voice"]) as kokoro:
        for question in script["questions"]:
            raw[question["id"]] = []
            for text, pause in question["phrases"]:
                samples, _ = kokoro.create(text, voice=script["voice"], speed=script["speed"], lang="en-us")
                raw[question["id"]].append(Phrase(text, trimmed(samples), pause, _shares(text, kokoro.tokenizer)))
                progress("sample: speaking", sum(map(len, raw.values())), total)
    everything = np.concatenate([p.samples for answer in raw.values() for p in answer])
    gain = np.float32(SPEECH / np.sqrt(np.mean(np.square(everything))))
    return {key: [Phrase(p.text, p.samples * gain, p.pause, p.words) for p in answer] for key, answer in raw.items()}


@contextmanager
def _kokoro(voice: str) -> Iterator[Any]:
    from kokoro_onnx import Kokoro

    folder = zoo.path("kokoro")
    with TemporaryDirectory() as scratch:
        voices = Path(scratch) / "voices.npz"
        styles = np.fromfile(folder / "voices" / f"{voice}.bin", np.float32).reshape(-1, 1, 256)
        np.savez(voices, allow_pickle=False, **{voice: styles})
        yield Kokoro(str(folder / "model.onnx"), str(voices), vocab_config=str(folder / "vocab.json"))


def trimmed(samples: Samples, below_peak_db: float = 35.0) -> Samples:
    """A phrase without the silence before and after it.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Mono at `RATE`.
    below_peak_db : float
        What is this far below the loudest 10 ms is silence, dB.
    """
    hop = RATE // 200
    level = np.sqrt(np.convolve(np.square(samples), np.ones(2 * hop) / (2 * hop), "same"))
    loud = np.flatnonzero(level > level.max() * 10 ** (-below_peak_db / 20))
    return samples[loud[0] : loud[-1] + 1]


def _shares(text: str, tokenizer: Any) -> list[tuple[str, float, float]]:
    """Words with their start and end as fractions of the phrase, by number of phonemes (long vowels count twice)."""
    words = [word for token in text.split() if (word := re.sub(r"[^\w'-]", "", token).lower())]
    weights = np.array([max(1, len(re.sub("[ˈˌ]", "", tokenizer.phonemize(word)))) for word in words], float)
    edges = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    return [(word, float(a), float(b)) for word, a, b in zip(words, edges[:-1], edges[1:], strict=True)]


def lay_out(script: Mapping[str, Any], spoken: Mapping[str, Sequence[Phrase]]) -> tuple[Samples, list[dict[str, Any]]]:
    """Place the answers one after another in time, and add room noise.

    Returns
    -------
    samples : ndarray of float32, shape (duration * RATE,)
    answers : list of dict
        Question id, start and end (s), text, and the words with their times.

    Raises
    ------
    ValueError
        If the answers do not fit into the script's duration.
    """
    length = round(script["duration"] * RATE)
    track = _room_noise(length)
    answers, time = [], 0.0
    for question in script["questions"]:
        time += script["lead"]
        start, words = time, []
        for phrase in spoken[question["id"]]:
            first, seconds = round(time * RATE), len(phrase.samples) / RATE
            if first + len(phrase.samples) > length:
                raise ValueError(f"the answers take longer than {script['duration']} s: shorten the script")
            track[first : first + len(phrase.samples)] += phrase.samples
            for word, a, b in phrase.words:
                entry = {"word": word, "start": round(time + a * seconds, 3), "end": round(time + b * seconds, 3)}
                words.append(entry | {"filler": word in FILLERS})
            time += seconds + phrase.pause
        text = " ".join(p.text for p in spoken[question["id"]])
        answers.append({"question_id": question["id"], "start": round(start, 3), "end": words[-1]["end"], "text": text, "words": words})
    return np.clip(track, -1, 1), answers


def _room_noise(length: int) -> Samples:
    """Noise like that of ventilation: white noise through a first-order low-pass filter at about 500 Hz."""
    from scipy.signal import lfilter

    pole = np.exp(-2 * np.pi * 500 / RATE)
    noise = lfilter([1 - pole], [1, -pole], np.random.default_rng(SEED).standard_normal(length))
    return (noise * (NOISE / np.sqrt(np.mean(np.square(noise))))).astype(np.float32)
