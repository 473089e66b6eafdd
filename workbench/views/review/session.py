"""One stored session: player and tracks, scores with their evidence, other settings, corrections, other sessions."""

from __future__ import annotations

import io
import threading
from html import escape
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from workbench.errors import WorkbenchError
from workbench.events import EventKind
from workbench.report import snippet
from workbench.report.build import build
from workbench.sessions.overrides import in_force
from workbench.sessions.overview import Overview, statistics
from workbench.sessions.store import Session
from workbench.views.review import html
from workbench.views.review.corrections import Corrections
from workbench.views.review.data import Opened
from workbench.views.review.player import Player, transcript
from workbench.views.review.questions import Questions
from workbench.views.review.timeline import ReviewTimeline, legend
from workbench.views.review.weights import Refit

_WARNING = "<style>.warning{margin:2px 0;color:var(--on-warn);font-size:14px}</style>"
SCORES, WEIGHTS, SELECTION, CORRECT, SESSIONS, _ = range(6)
NOT_STORED = "<p class='moved-scores' style='color:var(--on-warn);margin:0'>With the sliders' settings; the stored scores are others.</p>"
WARM_AFTER = 1.0
"""Seconds after which everything for the sliders is read: the page comes first."""


class SessionView(pn.viewable.Viewer):
    """The page of one session.

    Parameters
    ----------
    folder : Path
        The session's folder.

    Raises
    ------
    SessionError
        If the folder holds no session that can be read.
    """

    time = param.Number(default=0.0, doc="cursor when it rests, s")
    settings = param.String(default="", doc="what the sliders say, see `Sliders.moved`")
    renewed = param.Event(doc="windows and scores were computed again: the page is to be made anew")

    def __init__(self, folder: Path, **params: Any) -> None:
        super().__init__(**params)
        self.opened = Opened(Session.open(folder))
        session = self.opened.session
        self.timeline = ReviewTimeline(self.opened.duration)
        self.player = Player(
            media=self.opened.media(), words=transcript(session.transcripts, self.opened.low), tracks=self.timeline,
            goto=self.time if self.time > 0 else -1.0, sizing_mode="stretch_width",
        )  # fmt: skip
        self.timeline.show(self.opened.stored, None, self.opened.acoustics, self.opened.marks())
        self.player.param.watch(lambda e: self.param.update(time=e.new), "time")
        self.player.param.watch(lambda e: self.timeline.compare(e.new), "compare")
        self.player.param.watch(lambda _: self._select(), "selection")
        self.corrections = Corrections(
            self.opened, lambda: list(self.player.selection), self._corrected, lambda: self.param.trigger("renewed")
        )
        self.refit: Refit | None = None
        self._scope = pmui.Select(
            label="Scores of",
            options=self.opened.scopes(),
            value="session",
            sizing_mode="stretch_width",
            size="small",
            margin=(14, 10, 5, 10),
        )
        self._scope.param.watch(lambda _: self._show_scores(), "value")
        self._scores = pn.pane.HTML(sizing_mode="stretch_width")
        self._events = pn.pane.HTML(html.events(e for e in session.events if e.kind != EventKind.LATENCY), sizing_mode="stretch_width")
        self._span = pn.pane.HTML(html.span(None), sizing_mode="stretch_width")
        self._snippet = pmui.FileDownload(
            label="Export snippet (ZIP)", filename="snippet.zip", callback=self._cut, visible=False, variant="outlined", size="small"
        )
        self.report = pmui.FileDownload(
            label="Report", filename=f"{session.id}.html", callback=self._report, variant="outlined", size="small"
        )  # fmt: skip
        self._weights, self._correct = pn.Column(sizing_mode="stretch_width"), pn.Column(sizing_mode="stretch_width")
        self.questions = Questions(self.opened)
        self._show_scores()
        self._tabs = pmui.Tabs(
            ("Scores", pn.Column(self._scope, self._scores, sizing_mode="stretch_width")), ("Weights", self._weights),
            ("Selection", pn.Column(self._span, self._snippet, sizing_mode="stretch_width")), ("Correct", self._correct),
            ("Sessions", self.questions), ("Events", self._events), sizing_mode="stretch_width",
        )  # fmt: skip
        self._tabs.param.watch(lambda e: self._fill(e.new), "active")
        warm = threading.Timer(WARM_AFTER, self.opened.warm)
        warm.daemon = True
        warm.start()
        if self.settings:
            self._follow_settings()

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the session, in plain sentences."""
        return self.opened.session.warnings

    def _fill(self, tab: int) -> None:
        """Make what a tab shows when it is first looked at."""
        if tab == SCORES:
            self._show_scores()
        elif tab == WEIGHTS:
            self.sliders()
        elif tab == CORRECT:
            self._correct.objects = [self.corrections]
        elif tab == SESSIONS:
            self.questions.show()

    def sliders(self) -> Refit:
        """The sliders, made when they are first needed."""
        if self.refit is None:
            self.refit = Refit(self.opened, self._fused)
            self._weights.objects = [self.refit]
        return self.refit

    def _follow_settings(self) -> None:
        refit = self.sliders()
        try:
            refit.sliders.move(self.settings)
        except WorkbenchError as error:
            refit.sliders.say(str(error), problem=True)
        self._tabs.active = WEIGHTS

    def _fused(self, now: Overview, before: Overview | None) -> None:
        self.timeline.show(now, before)
        assert self.refit is not None
        self.settings = self.refit.sliders.moved
        if self._tabs.active == SCORES:
            self._show_scores()

    def _show_scores(self) -> None:
        """The stored scores, or those of the sliders where they were moved."""
        scope, session = self._scope.value, self.opened.session
        if self.settings and self.refit is not None and self.refit.result is not None:
            found, note = [s for s in self.refit.result.scores if s.scope == scope], NOT_STORED
        else:
            found, note = session.scores_of(scope), ""
        self._scores.object = note + html.scores(found, in_force(session.overrides), self.opened.questions)

    def _select(self) -> None:
        span = self.player.selection
        self._snippet.visible = bool(span)
        self._span.object = html.span(statistics(self.opened.session, self.opened.stored, *span) | {"start": span[0]} if span else None)
        self.corrections.follow()
        if span and self._tabs.active not in (SELECTION, CORRECT):
            self._tabs.active = SELECTION

    def _cut(self) -> io.BytesIO:
        start, end = self.player.selection
        self._snippet.filename = f"{self.opened.session.id}-{start:.1f}-{end:.1f}.zip"
        return io.BytesIO(snippet.zipped(snippet.parts(self.opened.session, start, end)))

    def _report(self) -> str:
        return str(build(self.opened.session))

    def _corrected(self) -> None:
        self._show_scores()
        self.timeline.show(self.timeline.now, self.timeline.before, None, self.opened.marks())
        self._events.object = html.events(e for e in self.opened.session.events if e.kind != EventKind.LATENCY)

    def __panel__(self) -> Any:
        notes = "".join(f"<p class='warning'>{escape(w)}</p>" for w in self.warnings)
        main = pn.Column(self.player, pn.pane.HTML(legend(), sizing_mode="stretch_width"), sizing_mode="stretch_width")
        return pn.Column(
            pn.pane.HTML(_WARNING + notes, sizing_mode="stretch_width", visible=bool(notes)),
            pmui.Grid(
                pmui.Grid(main, size={"xs": 12, "lg": 8}), pmui.Grid(self._tabs, size={"xs": 12, "lg": 4}),
                container=True, spacing=2, sizing_mode="stretch_width",
            ),
            sizing_mode="stretch_width",
        )  # fmt: skip
