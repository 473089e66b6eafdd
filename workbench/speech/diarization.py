"""Diarization (optional): separates the voices of a whole recording and picks the candidate's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import contracts, zoo
from workbench.settings import Speech
from workbench.streams import Floats

CANDIDATE = "candidate"
WINDOW, HOP = 1.6, 0.8  # s; Resemblyzer was trained on 1.6 s
_BATCH = 64  # windows that are embedded together; sets the memory in use
_SHORTEST_TURN = 0.8  # s; shorter runs of words are added to the turn before them
_LEVEL = 0.03  # root mean square that quiet windows are raised to, as Resemblyzer's own preprocessing does (-30 dB)


def diarize(audio: str | Path, transcripts: Sequence[contracts.Transcript], settings: Speech) -> list[contracts.Transcript]:
    """Name the speaker of every transcript; a transcript in which the voice changes is split there.

    Resemblyzer embeddings of 1.6 s windows over the words, Ward clustering into `settings.speakers` voices. The voice that
    speaks longest is called "candidate", the others "other-1", "other-2" in the order in which they first speak.

    Parameters
    ----------
    audio : path
        The recording that the transcripts' times refer to (mono, 16 kHz), read piece by piece.
    transcripts : sequence of Transcript
        In order of time.
    settings : Speech

    Returns
    -------
    list of Transcript
        In order of time. Parts of a split transcript are called "seg-3", "seg-3.2", "seg-3.3".

    Raises
    ------
    WeightsError
        If the speaker encoder's weights are missing.
    """
    spans = [w for t in transcripts for w in _windows(t)]
    if not spans:
        return list(transcripts)
    voices = cluster(embed(audio, spans), settings.speakers)
    named = _named(spans, voices)
    middles = np.array([(a + b) / 2 for a, b in spans])
    return [part for t in transcripts for part in _split(t, middles, named)]


def cluster(embeddings: Floats, speakers: int) -> NDArray[np.int64]:
    """The voice of every embedding, by Ward clustering (average linkage separates outliers instead of voices).

    Parameters
    ----------
    embeddings : ndarray, shape (n, 256)
        Unit vectors from `embed`.
    speakers : int
        Number of voices, at least 1.

    Returns
    -------
    ndarray of int, shape (n,)
        Numbers from 0, in no particular order.
    """
    if len(embeddings) <= speakers or speakers == 1:
        return np.zeros(len(embeddings), np.int64)
    from sklearn.cluster import AgglomerativeClustering

    return np.asarray(AgglomerativeClustering(n_clusters=speakers, linkage="ward").fit_predict(embeddings), np.int64)


def embed(audio: str | Path, spans: Sequence[tuple[float, float]]) -> Floats:
    """Voice embeddings (Resemblyzer) of spans of a recording.

    Parameters
    ----------
    audio : path
        Mono, 16 kHz.
    spans : sequence of (float, float)
        Start and end, s.

    Returns
    -------
    ndarray, shape (n, 256)
        Unit vectors.
    """
    import soundfile
    import torch
    from resemblyzer import VoiceEncoder, wav_to_mel_spectrogram

    encoder: Any = VoiceEncoder("cpu", verbose=False, weights_fpath=zoo.path("resemblyzer"))
    out = []
    with soundfile.SoundFile(str(audio)) as file, torch.inference_mode():
        rate = file.samplerate
        for first in range(0, len(spans), _BATCH):
            mels = []
            for start, _ in spans[first : first + _BATCH]:
                file.seek(min(int(start * rate), file.frames))
                samples = file.read(int(WINDOW * rate), dtype="float32", fill_value=0.0)
                level = float(np.sqrt(np.mean(samples**2)))
                mels.append(wav_to_mel_spectrogram(samples * max(1.0, _LEVEL / max(level, 1e-6)))[:160])
            out.append(encoder(torch.from_numpy(np.stack(mels))).numpy())
    return np.concatenate(out).astype(np.float64)


def _windows(transcript: contracts.Transcript) -> Iterator[tuple[float, float]]:
    """Windows over the transcript's words, half overlapping; one for a transcript that is shorter."""
    if not transcript.words:
        return
    start, end = transcript.words[0].start, transcript.words[-1].end
    for i in range(max(1, int(np.ceil((end - start - WINDOW) / HOP)) + 1)):
        yield start + i * HOP, min(end, start + i * HOP + WINDOW)


def _named(spans: Sequence[tuple[float, float]], voices: NDArray[np.int64]) -> list[str]:
    seconds = np.bincount(voices, weights=[b - a for a, b in spans])
    names = {int(np.argmax(seconds)): CANDIDATE}
    for voice in voices.tolist():
        names.setdefault(voice, f"other-{len(names)}")
    return [names[v] for v in voices.tolist()]


def _split(transcript: contracts.Transcript, middles: Floats, named: Sequence[str]) -> Iterator[contracts.Transcript]:
    if not transcript.words:
        yield transcript
        return
    speakers = [named[int(np.argmin(np.abs(middles - (w.start + w.end) / 2)))] for w in transcript.words]
    turns: list[tuple[str, list[contracts.Word]]] = []
    for speaker, group in groupby(zip(speakers, transcript.words, strict=True), key=lambda p: p[0]):
        words = [w for _, w in group]
        if turns and (turns[-1][0] == speaker or words[-1].end - words[0].start < _SHORTEST_TURN):
            turns[-1][1].extend(words)
        else:
            turns.append((speaker, words))
    if len(turns) == 1:
        yield transcript.model_copy(update={"speaker": turns[0][0]})
        return
    for i, (speaker, words) in enumerate(turns):
        known = [w.conf for w in words if w.conf is not None]
        yield transcript.model_copy(
            update={
                "segment_id": transcript.segment_id if i == 0 else f"{transcript.segment_id}.{i + 1}",
                "start": transcript.start if i == 0 else words[0].start,
                "end": transcript.end if i == len(turns) - 1 else words[-1].end,
                "transcript": " ".join(w.word for w in words),
                "words": words,
                "asr_confidence": float(np.mean(known)) if known else None,
                "speaker": speaker,
            }
        )
