"""WhisperX's batched pipeline on local weights, which also returns word times and word probabilities.

WhisperX leaves word times to a wav2vec2 aligner and returns no probability for a word. Both can be computed from the decoder's
cross-attention (Whisper's own method, in faster-whisper) while the encoder's output is in memory, without a second pass.
"""

from __future__ import annotations

import os
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.settings import Speech


class TimedWord(NamedTuple):
    """A word with its times in seconds from the first sample, and its probability in [0, 1]."""

    word: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Hypothesis:
    """Whisper's text for one stretch of audio.

    Parameters
    ----------
    text : str
    words : tuple of TimedWord
        Times in seconds from the start of the stretch.
    avg_logprob : float
        Mean natural log probability of the tokens, at most 0.
    no_speech : float
        Probability that there is no speech, in [0, 1].
    language : str, optional
        The most probable language (ISO 639-1); None from an English-only model.
    language_probability : float
        In [0, 1].
    """

    text: str
    words: tuple[TimedWord, ...]
    avg_logprob: float
    no_speech: float
    language: str | None = None
    language_probability: float = 0.0

    @property
    def compression(self) -> float:
        """Length of the text divided by its compressed length; above 2.4 the text repeats itself."""
        raw = self.text.encode()
        return len(raw) / len(zlib.compress(raw)) if raw else 0.0


@cache
def _model_class() -> Any:
    """WhisperX's model class with word times added; made on first use, because its import takes seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyannote warns that no system FFmpeg is installed; we pass arrays
        from whisperx.asr import WhisperModel

    class WordModel(WhisperModel):
        def generate_segment_batched(self, features: Any, tokenizer: Any, options: Any, encoder_output: Any = None) -> dict[str, Any]:
            prompt = self.get_prompt(
                tokenizer,
                tokenizer.encode(" " + options.initial_prompt.strip()) if options.initial_prompt else [],
                without_timestamps=options.without_timestamps,
            )
            encoded = self.encode(features)
            results = self.model.generate(
                encoded,
                [prompt] * len(features),
                beam_size=options.beam_size,
                patience=options.patience,
                length_penalty=options.length_penalty,
                max_length=self.max_length,
                suppress_blank=options.suppress_blank,
                suppress_tokens=options.suppress_tokens,
                no_repeat_ngram_size=options.no_repeat_ngram_size,
                return_scores=True,
                return_no_speech_prob=True,
            )
            tokens = [[t for t in r.sequences_ids[0] if t < tokenizer.eot] for r in results]
            words = self.find_alignment(tokenizer, tokens, encoded, [_frames(f) for f in np.asarray(features)])
            lengths = [len(r.sequences_ids[0]) for r in results]
            return {
                "text": tokenizer.tokenizer.decode_batch(tokens),
                "avg_logprob": [r.scores[0] * n**options.length_penalty / (n + 1) for r, n in zip(results, lengths, strict=True)],
                "no_speech": [r.no_speech_prob for r in results],
                "words": words,
                "language": [r[0] for r in self.model.detect_language(encoded)]
                if self.model.is_multilingual
                else [("", 0.0)] * len(results),
            }

    return WordModel


def _frames(mel: NDArray[np.float32]) -> int:
    """Number of 10 ms frames before the zero padding (at least 100), from a log-mel spectrogram of shape (n_mels, 3000)."""
    sounding = np.flatnonzero((mel != mel[:, -1:]).any(axis=0))
    return max(100, int(sounding[-1]) + 1 if len(sounding) else 0)


def joined(pieces: Iterable[dict[str, Any]]) -> list[TimedWord]:
    """Words with their punctuation joined to them: Whisper gives "cold", "-hearted" and "." separate times."""
    words: list[TimedWord] = []
    for piece in pieces:
        raw, start, end, p = piece["word"], float(piece["start"]), float(piece["end"]), float(piece["probability"])
        text, spoken = raw.strip(), any(c.isalnum() for c in raw)
        if words and not raw.startswith(" ") and not (spoken and text[0].isalnum() and words[-1].word[-1].isalnum()):
            last = words[-1]
            words[-1] = TimedWord(
                last.word + text, last.start, end if spoken else last.end, min(last.probability, p) if spoken else last.probability
            )
        elif spoken:
            words.append(TimedWord(text, start, end, p))
    return words


def likeliest_language(model: Any, samples: NDArray[np.float32]) -> tuple[str | None, float]:
    """The likeliest language of a stretch of sound (ISO 639-1) and its probability; None from an English-only model.

    Parameters
    ----------
    model : faster_whisper.WhisperModel
    samples : ndarray of float32, shape (n,)
        Mono at 16 kHz, at most 30 s.
    """
    if not model.model.is_multilingual:
        return None, 0.0
    mel = model.feature_extractor(samples, padding=max(0, 30 * 16000 - len(samples)))[:, :3000]
    [(token, probability), *_] = model.model.detect_language(model.encode(np.ascontiguousarray(mel)))[0]
    return token[2:-2], float(probability)


class Whisper:
    """Whisper for recorded speech: loaded once, transcribes clips of at most 30 s in batches.

    Parameters
    ----------
    folder : Path
        CTranslate2 weights with their tokenizer.
    settings : Speech
    """

    def __init__(self, folder: Path, settings: Speech) -> None:
        import ctranslate2
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import TranscriptionOptions, get_suppressed_tokens

        self.gpu = ctranslate2.get_cuda_device_count() > 0
        model_class = _model_class()
        from whisperx.asr import FasterWhisperPipeline

        model = model_class(
            str(folder),
            device="cuda" if self.gpu else "cpu",
            compute_type="float16" if self.gpu else "int8",
            cpu_threads=int(os.environ.get("OMP_NUM_THREADS") or min(4, len(os.sched_getaffinity(0)))),
            local_files_only=True,
        )
        multilingual = bool(model.model.is_multilingual)
        language = settings.language if multilingual else "en"
        tokenizer = Tokenizer(model.hf_tokenizer, multilingual, task="transcribe", language=language)
        self._options = options = TranscriptionOptions(
            beam_size=settings.beam, best_of=settings.beam, patience=1, length_penalty=1, repetition_penalty=1, no_repeat_ngram_size=0,
            log_prob_threshold=-1.0, no_speech_threshold=0.6, compression_ratio_threshold=2.4, condition_on_previous_text=False,
            prompt_reset_on_temperature=0.5, temperatures=[0.0], initial_prompt=settings.prompt or None, prefix=None, suppress_blank=True,
            suppress_tokens=list(get_suppressed_tokens(tokenizer, [-1]) or []), without_timestamps=True, max_initial_timestamp=0.0,
            word_timestamps=True, prepend_punctuations="", append_punctuations="", multilingual=False, max_new_tokens=None,
            clip_timestamps=[], hallucination_silence_threshold=None, hotwords=None,
        )  # fmt: skip
        # clips are already cut into segments, so the pipeline's own voice activity detection is not used
        self._pipeline = FasterWhisperPipeline(model, vad=None, vad_params={}, options=options, tokenizer=tokenizer, language=language)

    def language(self, samples: NDArray[np.float32]) -> tuple[str | None, float]:
        """See `likeliest_language`."""
        return likeliest_language(self._pipeline.model, samples)

    def transcribe(self, clips: Iterable[NDArray[np.float32]], cautious: bool = False) -> list[Hypothesis]:
        """Transcribe clips in one batch.

        Parameters
        ----------
        clips : iterable of ndarray of float32, shape (n,)
            Mono at 16 kHz, in [-1, 1], at most 30 s each.
        cautious : bool
            Leave the prompt out and forbid any three tokens to repeat: the second attempt after a text that repeats itself.

        Returns
        -------
        list of Hypothesis
            One a clip, in their order.
        """
        batch = list(clips)
        self._pipeline.options = replace(self._options, initial_prompt=None, no_repeat_ngram_size=3) if cautious else self._options
        inputs = ({"inputs": c} for c in batch)  # the pipeline only batches a generator
        return [
            Hypothesis(
                out["text"].strip(),
                tuple(joined(out["words"])),
                float(out["avg_logprob"]),
                float(out["no_speech"]),
                out["language"][0][2:-2] or None,
                float(out["language"][1]),
            )
            for out in self._pipeline(inputs, batch_size=max(2, len(batch)), num_workers=0)
        ]
