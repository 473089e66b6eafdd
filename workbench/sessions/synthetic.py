"""Generated sessions of any length, for benches and tests. Random numbers with an interview's shape: nobody was recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from workbench import contracts
from workbench import settings as tree
from workbench.events import EventKind
from workbench.fusion.observations import ACOUSTICS, Faces, Observations, Segments, Words
from workbench.interview_plan import InterviewPlan, Question
from workbench.labels import BASIC
from workbench.sessions.header import new_header
from workbench.sessions.replay import replay_session
from workbench.sessions.store import Session
from workbench.sessions.writer import SessionWriter
from workbench.streams import AudioBlock, Floats, Track

FPS = 15.0
TEXT = "we built a queue that retries failed jobs and I measured how long each worker took before we changed it".split()  # noqa: SIM905
FILLERS = ("um", "uh")
NOTICE = "generated data: no person was recorded"
_QUESTION, _ANSWER = 10.0, 110.0


def observations(minutes: float, seed: int = 0, acoustics_hop: float = 0.05) -> Observations:
    """An interview as arrays: ten seconds of question and 110 of answer in turn, a face that sometimes looks away.

    Parameters
    ----------
    minutes : float
    seed : int
        The same seed gives the same numbers.
    acoustics_hop : float
        Step of the acoustics track, s.
    """
    random = np.random.default_rng(seed)
    duration = 60.0 * minutes
    segments = _segments(duration, random)
    words = _words(segments, random)
    times = np.arange(round(duration * FPS)) / FPS
    away = _slow(len(times), 0.99, random) > 1.6
    size = np.round(90 + 15 * _slow(len(times), 0.999, random), 1)
    quality = np.clip(0.7 + 0.1 * _slow(len(times), 0.99, random), 0.2, 1.0)
    visual = np.where(away[:, None], np.nan, _probs(len(times), 0.99, random))
    valid = ~away & (size >= 48)
    beats = np.arange(round(duration * 2)) / 2
    steps = np.arange(round(duration / acoustics_hop), dtype=np.float64) * acoustics_hop
    voiced = _inside(steps, segments) & (random.random(len(steps)) < 0.7)
    pitch = np.where(voiced, 150 * 2 ** (0.2 * _slow(len(steps), 0.95, random)), np.nan)
    level = np.where(voiced, 60 + 4 * _slow(len(steps), 0.95, random), np.nan)
    answers = _answers(duration, words, random)
    return Observations(
        duration=duration,
        visual=Track("visual", times, visual, BASIC, np.where(away, 0.0, quality), valid),
        faces=Faces(np.arange(len(times)), np.where(away, -1, 0), np.where(away, np.nan, size), ("f-1",)),
        affect=Track("affect", beats, _probs(len(beats), 0.9, random), BASIC, np.full(len(beats), 0.5), _inside(beats, segments)),
        acoustics=Track("acoustics", steps, np.stack([pitch, level], axis=1), ACOUSTICS),
        segments=segments,
        words=words,
        prosody=tuple(_prosody(i, segments, random) for i in range(len(segments.start))),
        answers=answers,
        weights={a.question_id: 1.0 for a in answers},
    )


def write(folder: str | Path, minutes: float, seed: int = 0, *, audio: bool = True) -> Path:
    """Store a generated session with its windows and scores; `audio` adds a hum as long as the session."""
    seen = observations(minutes, seed)
    folder = Path(folder)
    chosen = tree.Settings(session=tree.Session(purpose="demonstration"))
    questions = tuple(Question(id=a.question_id, text="generated", start=a.start, end=a.end) for a in seen.answers)
    header = new_header(
        folder.name,
        chosen,
        started=datetime(2026, 1, 1, tzinfo=UTC),
        consent=contracts.Consent(given=False, text=NOTICE),
        disabled={},
        media={"name": NOTICE, "generated": True, "duration": seen.duration},
        plan=InterviewPlan(questions=questions) if questions else None,
    )
    with SessionWriter.create(folder, header) as writer:
        if audio:
            _hum(writer, seen.duration)
        _faces(writer, seen)
        _speech(writer, seen)
        for track in (seen.affect, seen.acoustics):
            for row in track.rows():
                writer.write(track.name, row)
        for answer in seen.answers:
            writer.write("answers", answer)
        result = replay_session(Session.open(folder, repair=False))  # of what was stored, as for every session
        for window in result.windows:
            writer.write("windows", window)
        for score in result.scores:
            writer.write("scores", score)
        writer.event(EventKind.GENERATED, NOTICE, seed=seed)
    return folder


def _slow(n: int, memory: float, random: np.random.Generator, columns: int = 1) -> Floats:
    """First-order autoregressive noise of unit variance, shape (n,) or (n, columns)."""
    from scipy.signal import lfilter

    noise = lfilter([np.sqrt(1 - memory**2)], [1.0, -memory], random.standard_normal((n, columns)), axis=0)
    return noise[:, 0] if columns == 1 else noise


def _probs(n: int, memory: float, random: np.random.Generator) -> Floats:
    logits = 1.5 * _slow(n, memory, random, len(BASIC))
    logits[:, BASIC.index("neutral")] += 1.5
    shares = np.exp(logits)
    return shares / shares.sum(axis=1, keepdims=True)


def _segments(duration: float, random: np.random.Generator) -> Segments:
    spans = []
    for begin in np.arange(_QUESTION, duration, _QUESTION + _ANSWER):
        at = begin + 0.5
        while at < min(begin + _ANSWER, duration) - 2:
            end = min(at + random.uniform(2, 9), begin + _ANSWER - 0.5, duration)
            spans.append((at, end))
            at = end + random.uniform(0.6, 1.8)
    start, end = np.round(np.array(spans).reshape(-1, 2), 3).T
    return Segments(start, end, np.round(random.normal(18, 5, len(start)), 2))


def _inside(times: Floats, segments: Segments) -> np.ndarray:
    i = np.searchsorted(segments.start, times, "right") - 1
    return (i >= 0) & (times < segments.end[np.maximum(i, 0)]) if len(segments.start) else np.zeros(len(times), bool)


def _words(segments: Segments, random: np.random.Generator) -> Words:
    starts, number = [], []
    for i, (start, end) in enumerate(zip(segments.start, segments.end, strict=True)):
        found = np.arange(start + 0.05, end - 0.3, 0.4)
        starts.append(found)
        number.append(np.full(len(found), i))
    start = np.round(np.concatenate(starts or [np.empty(0)]), 3)
    filler = random.random(len(start)) < 0.04
    text = tuple(FILLERS[i % 2] if filler[i] else TEXT[i % len(TEXT)] for i in range(len(start)))
    confidence = np.round(random.beta(8, 1, len(start)), 3)
    return Words(text, start, np.round(start + 0.3, 3), confidence, filler, np.concatenate(number or [np.empty(0, int)]).astype(np.int64))


def _prosody(i: int, segments: Segments, random: np.random.Generator) -> contracts.Prosody:
    return contracts.Prosody(
        segment_id=f"seg-{i + 1}",
        start=segments.start[i],
        end=segments.end[i],
        pitch_mean=random.normal(150, 10),
        pitch_std=random.uniform(10, 40),
        pitch_std_semitones=random.uniform(1, 4),
        rms_mean=0.05,
        rms_std=random.uniform(0.02, 0.06),
        jitter=random.uniform(0.01, 0.03),
    )


def _answers(duration: float, words: Words, random: np.random.Generator) -> tuple[contracts.Answer, ...]:
    found = []
    for number, begin in enumerate(np.arange(_QUESTION, duration, _QUESTION + _ANSWER).tolist(), start=1):
        end = min(begin + _ANSWER, duration)
        low, high = np.searchsorted(words.middle, [begin, end])
        said, fillers = words.text[low:high], int(words.filler[low:high].sum())
        queue = [float(words.start[i]) for i in range(low, high) if words.text[i] == "queue"]
        similarities = random.uniform(0.3, 0.8, 4).tolist()
        found.append(
            contracts.Answer(
                question_id=f"q{number}", start=begin, end=end, text=" ".join(said), words=len(said) - fillers, fillers=fillers,
                filler_rate=fillers / len(said) if said else None, lexical_diversity=random.uniform(30, 90), lexical_measure="mtld",
                semantic_similarity=float(np.mean(similarities)), sentence_similarities=similarities,
                sentence_spans=[(begin + (end - begin) * k / 4, begin + (end - begin) * (k + 1) / 4) for k in range(4)],
                keywords_found={"queue": queue} if queue else {}, keywords_missed=["latency"] if queue else ["queue", "latency"],
                keyword_coverage=0.5 if queue else 0.0,
            )
        )  # fmt: skip
    return tuple(found)


def _hum(writer: SessionWriter, duration: float) -> None:
    second = (0.01 * np.sin(2 * np.pi * 120 * np.arange(16000) / 16000)).astype(np.float32)
    for first in range(0, round(duration * 16000), 16000):
        writer.audio(AudioBlock(first, second[: round(duration * 16000) - first]))


def _faces(writer: SessionWriter, seen: Observations) -> None:
    batch: list[contracts.VisualPrediction] = []
    for i, (time, face) in enumerate(zip(seen.visual.times.tolist(), seen.faces.face.tolist(), strict=True)):
        there = face >= 0
        detection = contracts.Detection(face_id="f-1", box=(0.2, 0.3, 0.6, 0.6), score=0.9)
        detections = [detection] if there else []
        writer.write(
            "detections", contracts.Detections(frame_id=i, timestamp=time, detections=detections, candidate="f-1" if there else None)
        )
        if there:
            probs = dict(zip(BASIC, seen.visual.values[i].tolist(), strict=True))
            quality = contracts.CropQuality(size_px=seen.faces.size_px[i], sharpness=200.0, brightness=0.5, score=seen.visual.confidence[i])
            best = max(probs.items(), key=lambda pair: pair[1])
            batch.append(contracts.VisualPrediction(face_id="f-1", frame_id=i, timestamp=time, probs=probs, top=best, quality=quality))
        if len(batch) == 8 or (batch and i == len(seen.visual) - 1):
            writer.write("visual", contracts.VisualOutput(batch_id=f"batch-{i}", predictions=batch, models=[EventKind.GENERATED]))
            batch = []


def _speech(writer: SessionWriter, seen: Observations) -> None:
    said, spans = seen.words, seen.segments
    for i, (start, end, snr) in enumerate(zip(spans.start.tolist(), spans.end.tolist(), spans.snr_db.tolist(), strict=True)):
        name = f"seg-{i + 1}"
        rows = np.flatnonzero(said.segment == i).tolist()
        words = [
            contracts.Word(word=said.text[k], start=said.start[k], end=said.end[k], conf=said.confidence[k], filler=bool(said.filler[k]))
            for k in rows
        ]
        writer.write("segments", contracts.SpeechSegment(segment_id=name, start=start, end=end, snr_db=snr, rms=0.05))
        text = " ".join(said.text[k] for k in rows)
        writer.write("transcripts", contracts.Transcript(segment_id=name, start=start, end=end, transcript=text, words=words, snr_db=snr))
        writer.write("prosody", seen.prosody[i])
