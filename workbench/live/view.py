"""What a page shows of one moment of a live session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench import contracts
from workbench.fusion.reliability import Picture
from workbench.labels import BASIC
from workbench.live.health import Reading
from workbench.sessions.replay import Replay
from workbench.speech.provisional import NONE
from workbench.speech.streaming import Interim
from workbench.streams import Track


@dataclass(frozen=True)
class Health:
    """What the health strip shows. Times in s unless named."""

    fps: float = 0.0
    waiting_frames: int = 0
    backlog: float = 0.0
    dropped: int = 0
    skipped: int = 0
    lost: int = 0
    asr_lag: float = 0.0
    level: int = 0
    failing: dict[str, str | None] = field(default_factory=dict)
    reading: Reading | None = None
    overlay_p95_ms: float | None = None
    update_p95_ms: float | None = None
    connected: bool = False


@dataclass(frozen=True)
class View:
    """One moment of a session, as the page shows it. Nothing in it changes any more."""

    state: str
    clock: float
    transcripts: tuple[contracts.Transcript, ...] = ()
    interim: Interim | None = None
    voice: Track = NONE
    """Provisional pitch and level of speech that was not measured as a whole yet."""
    replay: Replay | None = None
    health: Health = field(default_factory=Health)
    notices: tuple[contracts.Event, ...] = ()
    marks: tuple[contracts.Event, ...] = ()


def faces(seen: contracts.Detections, said: dict[str, contracts.VisualPrediction], fused: str, uncertain: float) -> list[dict[str, Any]]:
    """The boxes that a browser draws: the fused label on the candidate, its own on every other face, two where uncertain."""
    return [_face(d, d.face_id is not None and d.face_id == seen.candidate, said, fused, uncertain) for d in seen.detections]


def _face(
    face: contracts.Detection, candidate: bool, said: dict[str, contracts.VisualPrediction], fused: str, limit: float
) -> dict[str, Any]:
    name = face.face_id or "?"
    text = fused if candidate else ""
    if not text and name in said:
        ordered = sorted(said[name].probs.items(), key=lambda p: -p[1])
        text = " / ".join(f"{label} {p:.0%}" for label, p in ordered[: 2 if ordered[0][1] < limit else 1])
    return {"box": face.box, "text": f"{name} · {text}" if text else name, "candidate": candidate, "uncertain": "/" in text}


def fused_label(replay: Replay, clock: float) -> str:
    """The fused label of the last usable window, if that is no older than two seconds; else why the face is not read now."""
    smoothed = replay.fusion.smoothed
    known = np.flatnonzero(smoothed.label >= 0)
    if len(known) == 0 or clock - replay.fusion.windows.end[known[-1]] > 2.0:
        why = replay.observations.faces.why
        now = Picture(int(why[-1])) if why is not None and len(why) else Picture.USABLE
        return now.words if now > Picture.OTHER_FACE else ""
    probs = smoothed.probs[known[-1]]
    if not smoothed.uncertain[known[-1]]:
        label = smoothed.label[known[-1]]
        return f"{BASIC[label]} {probs[label]:.0%}"
    return " / ".join(f"{BASIC[i]} {probs[i]:.0%}" for i in np.argsort(-probs)[:2])


def p95(values: Sequence[float]) -> float | None:
    """95th percentile, or None of fewer than twenty."""
    return float(np.percentile(list(values), 95)) if len(values) >= 20 else None
