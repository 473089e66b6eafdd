"""A small invented session, written through the store's own writer: the report's tests know every number in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.support import media
from workbench import contracts as c
from workbench.labels import BASIC
from workbench.sessions.store import Session, SessionWriter
from workbench.settings import Settings
from workbench.streams import AudioBlock, Track

SECONDS = 24.0
QUESTIONS = [
    {"id": "queue", "text": "How would you build a job queue that survives a crash?", "weight": 1.0},
    {"id": "test", "text": "How do you test concurrent code?", "weight": 1.0},
    {"id": "last", "text": "What did you leave out?", "weight": 1.0},
]
SAID = (
    (1.0, "um I would write every job to a log before it runs"),
    (6.0, "and uh after a crash the log tells what was lost"),
    (14.0, "I use property tests and a deterministic scheduler"),
)
NO_FACE, NO_SPEECH = "no usable face", "no speech"
UNSURE = 0.3
"""Confidence of every seventh word."""


def header(**changes: Any) -> c.SessionHeader:
    values: dict[str, Any] = {
        "session_id": "invented",
        "created": "2026-01-02T03:04:05+00:00",
        "purpose": "research",
        "jurisdiction": "unstated",
        "consent": c.Consent(given=True, by="interviewer", when="2026-01-02", text="Your video and voice are analysed for research."),
        "media": {
            "name": "invented.mp4", "sha256": "ab" * 32, "duration": SECONDS, "width": 320, "height": 240, "fps": 15.0,
            "sample_rate": 16000, "channels": 1,
        },
        "settings": Settings().echo(),
        "interview": {"questions": QUESTIONS},
        "models": {
            "fer": {"version": "25.10.3", "sha256": "cd" * 32, "licence": "MIT", "training_data": "undocumented", "source": "a package"},
            "whisper-base": {"version": "1", "sha256": "ef" * 32, "licence": "MIT", "training_data": "680,000 hours", "source": "package"},
        },
        "clock": c.Clock(wall_zero="2026-01-02T03:04:05+00:00", sample_rate=16000),
        "software": {"interview-workbench": "0.1.0", "python": "3.11"},
    }  # fmt: skip
    return c.SessionHeader(**(values | changes))


def transcripts() -> list[c.Transcript]:
    out, n = [], 0
    for i, (start, said) in enumerate(SAID):
        words = []
        for k, word in enumerate(said.split()):
            n += 1
            at = start + 0.35 * k
            conf = UNSURE if n % 7 == 0 else 0.94
            words.append(c.Word(word=word, start=at, end=at + 0.28, conf=conf, filler=word in ("um", "uh"), aligner="pocketsphinx"))
        end = words[-1].end
        out.append(
            c.Transcript(
                segment_id=f"s{i}",
                start=start,
                end=end,
                transcript=said,
                words=words,
                asr_confidence=0.9,
                language="en",
                snr_db=8.0 if i == 2 else 24.0,
            )
        )
    return out


def emotions(t: float) -> np.ndarray:
    """A face that brightens and darkens, never certain of anything."""
    p = np.full(7, 0.03)
    p[BASIC.index("happy")] += 0.6 * np.sin(t / 5) ** 2
    p[BASIC.index("neutral")] += 0.5 * np.cos(t / 5) ** 2
    p[BASIC.index("sad")] += 0.2 + 0.2 * np.cos(t / 3)
    return p / p.sum()


def windows(duration: float = SECONDS, face_until: float = 18.0) -> list[c.FusedWindow]:
    spoken = [(t.start, t.end) for t in transcripts()]
    out = []
    for n, start in enumerate(np.arange(0, duration - 0.5, 0.5)):
        end, middle = start + 1, start + 0.5
        face = middle < face_until
        voice = any(a <= middle % SECONDS <= b for a, b in spoken)
        probs = emotions(middle)
        ranked = sorted(zip(BASIC, probs.tolist(), strict=True), key=lambda pair: -pair[1])
        label, score = ranked[0]
        fused = c.FusedLabel(
            label=label,
            score=score,
            uncertain=score < 0.45,
            top2=ranked[:2] if score < 0.45 else [],
            probs=dict(zip(BASIC, probs.tolist(), strict=True)),
        )
        missing = ({} if face else {"visual": NO_FACE}) | ({} if voice else {"audio": NO_SPEECH})
        out.append(
            c.FusedWindow(
                window_id=f"w{n}", start=float(start), end=float(end), face_id="f1" if face else None,
                visual=c.Label(label=label, score=score) if face else None,
                audio=c.AudioLabel(label="neutral", score=0.4, pitch=150.0) if voice else None,
                fused_emotion=fused if face or voice else None, missing=missing,
                weights={"visual": 0.6, "audio": 0.4} if face and voice else {"visual": 1.0} if face else {"audio": 1.0} if voice else {},
            )
        )  # fmt: skip
    return out


def score(name: str, scope: str, parts: list[tuple[str, float, str, float, float, list[c.Evidence]]], **missing: str) -> c.Score:
    """A score out of (feature, raw, unit, normalised, weight, evidence)."""
    made = [
        c.Contribution(
            feature=f, raw=r, unit=u, normalised=n, weight=w, contribution=n * w, low=max(0, n - 0.1), high=min(1, n + 0.1), evidence=e
        )
        for f, r, u, n, w, e in parts
    ]
    value = sum(m.contribution for m in made)
    low, high = sum(m.low * m.weight for m in made), sum(m.high * m.weight for m in made)  # type: ignore[operator]
    return c.Score(
        name=name,
        scope=scope,
        value=value if made else None,
        low=low if made else None,
        high=high if made else None,
        contributions=made,
        missing=missing,
    )


def scores(scope: str = "session") -> list[c.Score]:
    words = [w for t in transcripts() for w in t.words]
    said = [c.Evidence(kind="word", start=w.start, end=w.end, text=w.word) for w in words if w.filler]
    spans = [c.Evidence(kind="span", start=t.start, end=t.end, text=t.transcript, value=0.61) for t in transcripts()]
    faces = [c.Evidence(kind="frame", start=t, end=t, frame_id=int(t * 15), value=v) for t, v in ((2.0, 0.91), (8.0, 0.74), (11.0, 0.42))]
    found = [c.Evidence(kind="word", start=3.8, end=4.1, text="log")]
    technical = score(
        "technical",
        scope,
        [("semantic_similarity", 0.6137, "cosine", 0.7137, 0.6, spans), ("keyword_coverage", 1 / 3, "", 1 / 3, 0.4, found)],
    )
    clarity = score(
        "clarity", scope, [("filler_rate", 2 / 29, "fillers/word", 0.57, 0.5, said), ("lexical_diversity", 71.2, "MTLD", 0.66, 0.5, [])]
    )
    confidence = score(
        "confidence",
        scope,
        [("vocal_steadiness", 2.31, "semitones", 0.44, 0.5, spans[:1]), ("visual_certainty", 0.37, "", 0.37, 0.5, faces)],
    )
    engagement = score(
        "engagement", scope, [("speaking_ratio", 0.44, "", 0.74, 1.0, spans)], prosodic_variation="fewer than three voiced segments"
    )
    parts = [technical, clarity, confidence, engagement]
    weights = (0.4, 0.25, 0.15, 0.2)
    composite = score("composite", scope, [(s.name, s.value or 0, "", s.value or 0, w, []) for s, w in zip(parts, weights, strict=True)])
    return [*parts, composite]


def answers() -> list[c.Answer]:
    return [
        c.Answer(
            question_id="queue", start=0.5, end=10.5, text=" ".join(s for _, s in SAID[:2]), words=20, fillers=2, filler_rate=2 / 22,
            lexical_diversity=71.2, lexical_measure="mtld", semantic_similarity=0.6137, keywords_found={"log": [3.8, 7.75]},
            keywords_missed=["fsync", "idempotent"], keyword_coverage=1 / 3,
        ),
        c.Answer(
            question_id="test", start=13.5, end=18.0, text=SAID[2][1], words=8, fillers=0, filler_rate=0.0, semantic_similarity=0.4821,
            keywords_found={"property tests": [14.7]}, keywords_missed=[], keyword_coverage=1.0,
        ),
    ]  # fmt: skip


def acoustics(duration: float = SECONDS) -> Track:
    t = np.arange(0, duration, 0.05)
    spoken = np.any([(t >= s.start) & (t <= s.end) for s in transcripts()], axis=0)
    pitch = np.where(spoken & (np.sin(t * 9) > -0.5), 150 + 30 * np.sin(t * 2.2) + 8 * np.sin(t * 13), np.nan)
    return Track.of(
        "acoustics", t, np.stack([pitch, np.where(spoken, 62 + 6 * np.sin(t * 5), 34 + np.sin(t * 30))], axis=1), ("pitch", "intensity")
    )


def write(folder: Path, video: Path | None = None, **changes: Any) -> Session:
    """Write the session and open it. `changes` replace header fields, or whole streams by name (lists of messages)."""
    streams: dict[str, list[Any]] = {
        "transcripts": transcripts(),
        "segments": [c.SpeechSegment(segment_id=t.segment_id, start=t.start, end=t.end, snr_db=t.snr_db) for t in transcripts()],
        "windows": windows(),
        "scores": [s for scope in ("session", "queue", "test") for s in scores(scope)],
        "answers": answers(),
        "acoustics": list(acoustics().rows()),
        "detections": detections(),
        "visual": visual(),
        "events": [c.Event(timestamp=9.0, kind="stage_error", stage="emotion", message="one batch was lost and the stage restarted")],
    }
    streams |= {name: changes.pop(name) for name in list(changes) if name in streams}
    seconds = changes.pop("seconds", SECONDS)
    with SessionWriter.create(folder, header(**changes)) as writer:
        if seconds:
            writer.audio(AudioBlock(0, media.tone(seconds)))
        if video is not None:
            writer.video(video)
        for name, messages in streams.items():
            for message in messages:
                writer.write(name, message)
    return Session.open(folder)


def detections(until: float = 18.0) -> list[c.Detections]:
    out = []
    for n in range(int(SECONDS * 15)):
        face = [c.Detection(face_id="f1", box=(0.2, 0.3, 0.7, 0.65), score=0.9)] if n / 15 < until else []
        out.append(c.Detections(frame_id=n, timestamp=n / 15, detections=face, candidate="f1" if face else None))
    return out


def visual(until: float = 18.0) -> list[c.VisualOutput]:
    quality = c.CropQuality(size_px=120, sharpness=90, brightness=0.5, score=0.8)
    out = []
    for n in range(int(until * 15)):
        probs = dict(zip(BASIC, emotions(n / 15).tolist(), strict=True))
        best = max(probs, key=probs.__getitem__)
        one = c.VisualPrediction(face_id="f1", frame_id=n, timestamp=n / 15, probs=probs, top=(best, probs[best]), quality=quality)
        out.append(c.VisualOutput(batch_id=f"b{n}", predictions=[one], models=["fer"]))
    return out


def clip(path: Path) -> Path:
    """A video with a drawn face, so that thumbnails have something to show."""
    import cv2

    def draw(t: float) -> np.ndarray:
        image = np.full((240, 320, 3), (46, 62, 84), np.uint8)
        cv2.ellipse(image, (152, 108), (50, 62), 0, 0, 360, (224, 180, 150), -1)
        cv2.ellipse(image, (152, 128), (22, 12), 0, 0 if t % 6 < 3 else 180, 180 if t % 6 < 3 else 360, (120, 50, 50), 3)
        for x in (132, 172):
            cv2.circle(image, (x, 94), 5, (40, 40, 40), -1)
        return image

    return media.write(path, media.moving(draw, SECONDS, 15.0), media.tone(SECONDS))
