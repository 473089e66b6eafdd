"""One stored session: player and tracks, scores with their evidence, other settings, corrections."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from workbench.errors import WorkbenchError
from workbench.sessions import overview
from workbench.sessions.store import Session
from workbench.streams import Track
from workbench.views import review_html as html
from workbench.views.review_media import offer
from workbench.views.review_player import Player, transcript
from workbench.views.review_timeline import Marks, ReviewTimeline, legend

_QUIET = {"latency"}
"""Events that say nothing about a moment."""


@dataclass
class Opened:
    """What the page shows of a session, read once."""

    session: Session

    @cached_property
    def stored(self) -> overview.Overview | None:
        """The stored windows; computed from the other streams where none are (an interrupted session)."""
        return overview.of_stored(self.session) or self._computed()

    def _computed(self) -> overview.Overview | None:
        from workbench.sessions.replay import refuse

        seen = self.session.observations
        return overview.of_replay(refuse(self.session)) if len(seen.visual) or len(seen.affect) or len(seen.words.text) else None

    @cached_property
    def acoustics(self) -> Track:
        return self.session.track("acoustics")

    @property
    def duration(self) -> float:
        return max(self.session.duration, float(self.stored.end[-1]) if self.stored is not None and len(self.stored) else 0.0)

    @cached_property
    def questions(self) -> dict[str, str]:
        """Question id → its text."""
        found = (self.session.header.interview or {}).get("questions", [])
        return {str(q.get("id")): str(q.get("text") or q.get("question") or q.get("id")) for q in found}

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
            events=[(e.timestamp, f"{e.kind}: {e.message}") for e in self.session.events if e.kind not in _QUIET],
        )


class SessionView(pn.viewable.Viewer):
    """The page of one session.

    Parameters
    ----------
    folder : Path
        The session's folder.
    time : float
        Where the cursor starts, s.

    Raises
    ------
    SessionError
        If the folder holds no session that can be read.
    """

    time = param.Number(default=0.0, doc="cursor when it rests, s")

    def __init__(self, folder: Path, **params: Any) -> None:
        super().__init__(**params)
        self.opened = Opened(Session.open(folder))
        session = self.opened.session
        self.timeline = ReviewTimeline(self.opened.duration)
        self.player = Player(
            media=self.opened.media(), words=transcript(session.transcripts, _low(session)), tracks=self.timeline,
            goto=self.time if self.time > 0 else -1.0, sizing_mode="stretch_width",
        )  # fmt: skip
        self.timeline.show(self.opened.stored, None, self.opened.acoustics, self.opened.marks())
        self.player.param.watch(lambda e: self.param.update(time=e.new), "time")
        self.player.param.watch(lambda e: self.timeline.compare(e.new), "compare")
        self._scores = pn.pane.HTML(html.scores(session.score_messages, {}, self.opened.questions), sizing_mode="stretch_width")
        self._events = pn.pane.HTML(html.events(e for e in session.events if e.kind not in _QUIET), sizing_mode="stretch_width")
        self._tabs = pmui.Tabs(("Scores", self._scores), ("Events", self._events), sizing_mode="stretch_width")

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the session, in plain sentences."""
        return self.opened.session.warnings

    def __panel__(self) -> Any:
        notes = "".join(f"<p class='warning' style='margin:2px 0;color:#b45309'>{escape(w)}</p>" for w in self.warnings)
        main = pn.Column(self.player, pn.pane.HTML(legend(), sizing_mode="stretch_width"), sizing_mode="stretch_width")
        return pn.Column(
            pn.pane.HTML(notes, sizing_mode="stretch_width", visible=bool(notes)),
            pmui.Grid(
                pmui.Grid(main, size={"xs": 12, "lg": 8}), pmui.Grid(self._tabs, size={"xs": 12, "lg": 4}),
                container=True, spacing=2, sizing_mode="stretch_width",
            ),
            sizing_mode="stretch_width",
        )  # fmt: skip


def _low(session: Session) -> float:
    try:
        return session.settings.speech.low_word_confidence
    except WorkbenchError as error:
        session.warnings.append(str(error))
        return 0.5
