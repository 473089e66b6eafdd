"""What the review page shows of one session, read when it is needed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workbench.errors import WorkbenchError
from workbench.events import Severity
from workbench.scoring.scores import Known
from workbench.sessions import overview, replay
from workbench.sessions.store import Session
from workbench.settings import Settings
from workbench.streams import Track
from workbench.views.review.media import offer
from workbench.views.review.timeline import Marks

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "size": "small"}
"""How inputs beside the player look."""


@dataclass
class Opened:
    """What the page shows of a session, read once."""

    session: Session
    known: Known = field(default_factory=dict)

    @cached_property
    def settings(self) -> Settings:
        """The settings that were last in force."""
        return replay.overlay(self.session, {}, str(self.session.folder))

    def warm(self) -> None:
        """Read what the first move of a slider needs."""
        with contextlib.suppress(WorkbenchError):
            replay.replay_session(self.session, self.settings, self.known)
            _ = self.session.score_messages

    @cached_property
    def stored(self) -> overview.Overview | None:
        """The stored windows; computed from the other streams where none are (an interrupted session)."""
        return overview.of_stored(self.session) or self._computed()

    def _computed(self) -> overview.Overview | None:
        seen = self.session.observations
        if not (len(seen.visual) or len(seen.affect) or len(seen.words.text)):
            return None
        return overview.of_replay(replay.replay_session(self.session, known=self.known))

    @property
    def duration(self) -> float:
        return max(self.session.duration, float(self.stored.end[-1]) if self.stored is not None and len(self.stored) else 0.0)

    @cached_property
    def questions(self) -> dict[str, str]:
        """Question id → its text."""
        plan = self.session.header.interview
        return {q.id: q.text or q.id for q in plan.questions} if plan else {}

    def scopes(self) -> dict[str, str]:
        """What has scores: title → scope."""
        answered = [a.question_id for a in self.session.answers if a.question_id != "session"]
        titles = [f"{i}. {self.questions.get(q, q)}" for i, q in enumerate(answered, start=1)]
        return {"Whole session": "session"} | dict(zip(titles, answered, strict=True))

    @cached_property
    def low(self) -> float:
        """Words recognised with less confidence are marked."""
        return self.session.settings.speech.low_word_confidence

    @property
    def acoustics(self) -> Track:
        """Pitch and level."""
        return self.session.acoustics

    def media(self) -> dict[str, Any]:
        """What the browser plays."""
        path = self.session.video_path or self.session.audio_path
        kind = "" if path is None else "video" if self.session.video_path else "audio"
        fps = float(self.session.header.media.get("fps") or 15.0)
        return {"kind": kind, "src": offer(path) if path else "", "duration": self.duration, "frame": 1 / fps}

    def marks(self) -> Marks:
        """Speech, answers and events."""
        return Marks(
            speech=[(s.start, s.end, "") for s in self.session.segments],
            questions=[(a.start, a.end, f"{a.question_id} {self.questions.get(a.question_id, '')}") for a in self.session.answers],
            reviewed=[
                (o.start, o.end, f"{o.value} by {o.by}") for o in self.session.overrides if o.start is not None and o.end is not None
            ],
            events=[(e.timestamp, f"{e.title}: {e.message}") for e in self.session.events if e.severity is not Severity.ROUTINE],
        )
