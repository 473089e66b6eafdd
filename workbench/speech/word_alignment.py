"""When each word was spoken: forced alignment of the transcript, with Whisper's own times where that fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench import contracts, zoo
from workbench.errors import WeightsError
from workbench.settings import Speech
from workbench.speech.forced_alignment import ForcedAligner
from workbench.speech.words import tokens
from workbench.stage import StageSpec
from workbench.streams import AlignedClip, TranscribedClip

_MODEL = "pocketsphinx-en-us"
# Median confidence of a stretch below which its text does not fit the audio: hoarse English has 0.75, Spanish taken for English 0.3
_LEAST = 0.4


class WordAligner:
    """Replaces Whisper's word times by those of the aligner in the settings.

    `pocketsphinx` (English): each transcript is aligned with its own audio; words that cannot be pronounced, and transcripts
    that do not fit, keep Whisper's times (``aligner="whisper"`` on the word). `wav2vec2`: WhisperX's aligner with the weights in
    `aligner_path`. `whisper`: times stay as they are. Words keep their order and stay inside their transcript.

    Parameters
    ----------
    settings : Speech

    Raises
    ------
    WeightsError
        From `warm_up`, where `wav2vec2` is asked for and `aligner_path` is not a folder of its weights.
    """

    def __init__(self, settings: Speech) -> None:
        self.settings = settings
        self._pocketsphinx: ForcedAligner | None = None
        self._wav2vec2: Wav2Vec2 | None = None

    @property
    def spec(self) -> StageSpec:
        models = (_MODEL,) if self._uses_pocketsphinx else ()
        return StageSpec("word alignment", (TranscribedClip,), (AlignedClip,), "language", 0.0, 0.0, 1500.0, models)

    @property
    def _uses_pocketsphinx(self) -> bool:
        return self.settings.aligner == "pocketsphinx" and self.settings.language == "en"

    def warm_up(self) -> None:
        """Load the aligner."""
        if self._uses_pocketsphinx and self._pocketsphinx is None:
            self._pocketsphinx = ForcedAligner(zoo.path(_MODEL))
        if self.settings.aligner == "wav2vec2" and self._wav2vec2 is None:
            self._wav2vec2 = Wav2Vec2(self.settings.aligner_path, self.settings.language)

    def reset(self) -> None: ...

    def flush(self) -> Iterator[AlignedClip]:
        yield from ()

    def process(self, item: TranscribedClip) -> Iterator[AlignedClip]:
        self.warm_up()
        times: list[_Time] = [None] * len(item.transcript.words)
        if self._pocketsphinx:
            times = self._by_pocketsphinx(item)
        elif self._wav2vec2:
            times = self._wav2vec2.align(item)
        words = merged(item.transcript, times, "wav2vec2" if self._wav2vec2 else "pocketsphinx")
        yield AlignedClip(item.transcript.model_copy(update={"words": words}), item.clip)

    def _by_pocketsphinx(self, item: TranscribedClip) -> list[_Time]:
        aligner = self._pocketsphinx
        assert aligner is not None
        owners, entries = [], []
        for i, word in enumerate(item.transcript.words):
            for part in tokens(word.word):
                if entry := aligner.entry(part):
                    owners.append(i)
                    entries.append(entry)
        times: list[_Time] = [None] * len(item.transcript.words)
        aligned = aligner.align(item.clip.samples, entries) if entries else None
        if aligned is None or np.median([a.confidence for a in aligned]) < _LEAST:
            return times
        for i, timed in zip(owners, aligned, strict=True):  # "well-known" was aligned as two words
            known = times[i]
            times[i] = (known[0], timed.end, min(known[2], timed.confidence)) if known else (timed.start, timed.end, timed.confidence)
        return times


_Time = tuple[float, float, float] | None


def merged(transcript: contracts.Transcript, times: Sequence[_Time], aligner: str) -> list[contracts.Word]:
    """Words with their aligned times; a word without them keeps Whisper's, limited to the gap between its neighbours.

    Parameters
    ----------
    transcript : Transcript
        With Whisper's times.
    times : sequence of (start, end, confidence) or None
        One a word, in seconds since the transcript's start.
    aligner : str
        Stored in `aligner` of the aligned words.
    """
    start, end = transcript.start, transcript.end
    fixed = [(min(start + t[0], end), min(start + t[1], end), t[2]) if t else None for t in times]
    words, low = [], start
    for i, (word, time) in enumerate(zip(transcript.words, fixed, strict=True)):
        if time:
            low = max(low, time[1])
            words.append(word.model_copy(update={"start": time[0], "end": time[1], "aligner": aligner, "alignment_conf": time[2]}))
            continue
        high = next((t[0] for t in fixed[i:] if t), end)
        first = min(max(word.start, low), max(high, low))
        last = min(max(word.end, first), max(high, first))
        low = last
        words.append(word.model_copy(update={"start": first, "end": last, "aligner": "whisper", "alignment_conf": None}))
    return words


class Wav2Vec2:
    """WhisperX's aligner on local weights (a Hugging Face folder of a `Wav2Vec2ForCTC` with its processor).

    Raises
    ------
    WeightsError
        If `folder` is not such a folder.
    """

    def __init__(self, folder: Path | None, language: str) -> None:
        if folder is None or not (folder / "config.json").is_file():
            where = f"speech.aligner_path ({folder})" if folder else "speech.aligner_path, which is not set,"
            raise WeightsError(
                f"speech.aligner is 'wav2vec2' but {where} is not a folder of wav2vec2 weights; give one that holds config.json, "
                "the weights and the processor, or set speech.aligner to 'pocketsphinx'"
            )
        from whisperx import alignment

        # WhisperX splits sentences with NLTK data that it would download; one transcript is one sentence here
        alignment.nltk_load = lambda _: _OneSentence()
        self._align: Any = alignment.align
        try:
            self._model, self._metadata = alignment.load_align_model(language, "cpu", model_name=str(folder), model_cache_only=True)
        except ValueError:
            raise WeightsError(f"{folder}: holds no wav2vec2 weights with a processor that load; check speech.aligner_path") from None

    def align(self, item: TranscribedClip) -> list[_Time]:
        words = item.transcript.words
        length = len(item.clip.samples) / item.clip.sample_rate
        segment = {"text": " ".join(w.word for w in words), "start": 0.0, "end": length}
        result = self._align([segment], self._model, self._metadata, item.clip.samples, "cpu")
        aligned = [w for s in result["segments"] for w in s["words"]]
        if len(aligned) != len(words):
            return [None] * len(words)
        return [
            (float(w["start"]), float(w["end"]), min(max(float(w.get("score", 0.0)), 0.0), 1.0)) if "start" in w and "end" in w else None
            for w in aligned
        ]


class _OneSentence:
    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]
