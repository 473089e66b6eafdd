"""Whisper for speech that is still going on: one pass over the open segment, after the words that are certain."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.settings import Speech
from workbench.speech.silero import SAMPLE_RATE
from workbench.speech.whisper import Hypothesis, joined, likeliest_language

_PAD = 1.5  # s of silence added after the audio: with less, Whisper repeats itself at the end
_LEAST_CONTEXT = 5.0  # s; the shortest input of the encoder, for the same reason
_TOKENS_PER_SECOND = 7  # most new text; longer text is a repetition and is cut off


class Recogniser:
    """Whisper for speech that is still going on: transcribes what follows a fixed prefix.

    Loaded once a process; a lock lets one thread use it at a time.

    Parameters
    ----------
    folder : Path
        CTranslate2 weights with their tokenizer.
    settings : Speech
        `language`.
    threads : int
        CPU threads of one pass.
    """

    def __init__(self, folder: Path, settings: Speech, threads: int = 1) -> None:
        import ctranslate2
        from faster_whisper import WhisperModel
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        gpu = ctranslate2.get_cuda_device_count() > 0
        self._model = WhisperModel(
            str(folder),
            device="cuda" if gpu else "cpu",
            compute_type="float16" if gpu else "int8",
            cpu_threads=threads,
            local_files_only=True,
        )
        multilingual = bool(self._model.model.is_multilingual)
        language = settings.language if multilingual else "en"
        self._tokenizer = Tokenizer(self._model.hf_tokenizer, multilingual, task="transcribe", language=language)
        self._suppress = list(get_suppressed_tokens(self._tokenizer, [-1]) or [])
        self._lock = threading.Lock()

    def transcribe(self, samples: NDArray[np.float32], prefix: str = "", prompt: str = "", beam: int = 1) -> Hypothesis:
        """The words after `prefix`; their times are in seconds from the first sample.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,)
            Mono at 16 kHz, in [-1, 1], at most 28 s.
        prefix : str
            Committed words at the beginning of the samples.
        prompt : str
            Text that was spoken before the first sample.
        beam : int
            Width of the beam search; 1 is greedy.
        """
        tokenizer, model = self._tokenizer, self._model.model
        seconds = len(samples) / SAMPLE_RATE
        frames = int(min(30.0, max(seconds + _PAD, _LEAST_CONTEXT)) * 50) * 2
        before = tokenizer.encode(" " + prompt.strip())[-200:] if prompt else []
        given = tokenizer.encode(" " + prefix.strip()) if prefix else []
        task = self._model.get_prompt(tokenizer, before, without_timestamps=True) + given
        with self._lock:
            mel = self._model.feature_extractor(samples, padding=max(0, frames * 160 - len(samples)))[:, :frames]
            encoded = self._model.encode(np.ascontiguousarray(mel))
            [result] = model.generate(
                encoded,
                [task],
                beam_size=beam,
                max_length=min(len(task) + 8 + int(seconds * _TOKENS_PER_SECOND), 448),
                suppress_tokens=self._suppress,
                return_scores=True,
                return_no_speech_prob=True,
            )
            new = [t for t in result.sequences_ids[0] if t < tokenizer.eot][len(given) :]  # CTranslate2 returns the prefix too
            [pieces] = self._model.find_alignment(tokenizer, [given + new], encoded, [int(seconds * 100)]) if new else [[]]
        at = 0
        while pieces and at < len(given):
            at += len(pieces.pop(0)["tokens"])
        while given and pieces and not pieces[0]["word"].startswith(" "):  # punctuation or an ending of the last committed word
            pieces.pop(0)
        words = joined(pieces)
        length = len(result.sequences_ids[0])
        score = result.scores[0] * length / (length + 1)
        return Hypothesis(tokenizer.decode(new).strip(), tuple(words), score, result.no_speech_prob, None, 0.0)

    def language(self, samples: NDArray[np.float32]) -> tuple[str | None, float]:
        """See `whisper.likeliest_language`."""
        with self._lock:
            return likeliest_language(self._model, samples)


@cache
def recogniser(folder: Path, language: str) -> Recogniser:
    """The recogniser of these weights that the whole process shares."""
    return Recogniser(folder, Speech(language=language))
