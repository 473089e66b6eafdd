"""The live page: consent first, then picture, words, timelines and scores of a running session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.util import edit_readonly

from workbench import contracts
from workbench.capture import browser
from workbench.capture.sample import Player
from workbench.errors import WorkbenchError
from workbench.live.opening import CONSENT, open_live
from workbench.live.pool import model_pool
from workbench.live.server import offer
from workbench.live.session import LiveSession
from workbench.live.view import View
from workbench.sessions import consent as law
from workbench.settings import Session as SessionSettings
from workbench.settings import Settings
from workbench.views.live.gauges import ScoreGauges
from workbench.views.live.health import HealthStrip
from workbench.views.live.media_panel import MediaPanel
from workbench.views.live.timeline import Timeline
from workbench.views.live.transcript import LiveTranscript
from workbench.views.page import CARD, page
from workbench.views.weights import Weights

PERIOD = 300
"""Milliseconds between two updates of the page."""
LEDGER_EVERY = 10
"""Updates between two of the latency table."""
FLAG = "panel serve apps/live.py --plugins workbench.live"


class LivePage(pn.viewable.Viewer):
    """One visitor's page.

    Parameters
    ----------
    settings : Settings
    sample : callable
        Gives the sample interview's paths (`workbench.sample.build`); called when somebody asks for it.
    plan : InterviewPlan, optional
        Questions of interviews on the camera.
    """

    def __init__(self, settings: Settings, sample: Callable[[], Any], plan: Any = None) -> None:
        super().__init__()
        self._settings, self._sample, self._plan = settings, sample, plan
        self._session: LiveSession | None = None
        self._player: Player | None = None
        self._updates = 0
        self._opening = ""
        self._report: Path | None = None
        self._told: contracts.Event | None = None
        self._shown: Any = None
        self.media = MediaPanel(fps=settings.capture.fps, sizing_mode="stretch_width")
        self.transcript, self.gauges, self.timeline, self.health = LiveTranscript(), ScoreGauges(), Timeline(), HealthStrip()
        self.weights = Weights(settings, self._change)
        self._now = pn.pane.HTML("", sizing_mode="stretch_width", margin=0)
        self._notice = pmui.Alert(title="", visible=False, severity="warning", sizing_mode="stretch_width", margin=8)
        self._notices = pn.pane.HTML(_QUIET, sizing_mode="stretch_width")
        self._question = pmui.Select(label="Question", options={}, width=260)
        self._mark = pmui.Button(label="Mark question", variant="outlined", disabled=True, on_click=lambda _: self._on_mark())
        self._pause = pmui.Button(label="Pause", variant="outlined", disabled=True, on_click=lambda _: self._on_pause())
        self._stop = pmui.Button(label="Stop", color="error", disabled=True, on_click=lambda _: self._on_stop())
        self._begin = pmui.Button(label="Start a session", on_click=lambda _: self._ask())
        self._download = pmui.FileDownload(label="Download the report", visible=False, callback=self._file, filename="report.html")
        self._open = pmui.Button(label="Open the report", visible=False, target="_blank", color="success")
        self._dialog, self._agree, self._start, self._purpose, self._place, self._who = self._consent()
        self._layout = self._page()

    # ── layout ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _page(self) -> Any:
        def card(*items: Any, title: str) -> Any:
            return pmui.Card(*items, title=title, **CARD)

        def later(view: Any) -> Any:  # once the page stands: consent comes first, in half the time
            return pn.panel(lambda: view, defer_load=True, loading_indicator=False, sizing_mode="stretch_width")

        buttons = (self._begin, self._pause, self._stop, self._mark, self._question, self._open, self._download)
        bar = pn.FlexBox(*buttons, flex_wrap="wrap", align_items="center", gap="4px", sizing_mode="stretch_width")
        wide, half = {"xs": 12, "md": 12}, {"xs": 12, "md": 6}
        main = pmui.Grid(
            pmui.Grid(card(self.media, self._now, title="Camera"), size=half),
            pmui.Grid(card(self.transcript, title="Transcript"), card(self._notices, title="Notices"), size=half),
            pmui.Grid(card(self.gauges, title="Scores so far (0–100; assistive, never a decision)"), size=wide),
            pmui.Grid(card(self.timeline, title="Last minute"), size=wide),
            pmui.Grid(card(self.health, title="Health"), size=wide),
            container=True,
            sizing_mode="stretch_width",
        )
        made = page(
            "live", self._notice, bar, later(main), self._dialog, sidebar=[later(self.weights)], busy_indicator=None,
        )  # fmt: skip
        with edit_readonly(made):
            made.busy = False  # no longer tied to the server's: each blink walks through all models, a third of a core
        return made

    def _consent(self) -> tuple[Any, ...]:
        session = self._settings.session
        purposes = list(SessionSettings.model_fields["purpose"].annotation.__args__)  # type: ignore[union-attr]
        purpose = pmui.RadioButtonGroup(
            label="Purpose", options=purposes, value=session.purpose, sx={"flexDirection": {"xs": "column", "md": "row"}}
        )
        place = pmui.TextInput(label="Country (e.g. DE, US-IL)", value=session.jurisdiction, width=200)
        who = pmui.TextInput(label="Who agrees (a role or pseudonym will do)", value="participant", sizing_mode="stretch_width")
        agree = pmui.Checkbox(label="I have read this and agree to be recorded and analysed for this purpose.")
        start = pmui.Button(label="Start with camera", disabled=True, on_click=lambda _: self._open_camera())
        sample = pmui.Button(label="Play sample interview", variant="outlined", on_click=lambda _: self._open_sample())
        refuse = pmui.Button(label="No, thanks", variant="text", on_click=lambda _: setattr(self._dialog, "open", False))
        legal = pn.pane.HTML("", sizing_mode="stretch_width")

        def follow(*_: Any) -> None:
            start.disabled = not (agree.value and model_pool(self._settings).ready)
            off = law.disabled_channels(purpose.value, place.value)
            lines = [f"{name.replace('_', ' ')}: {why}" for name, why in off.items()] + law.notes(purpose.value, place.value)
            legal.object = "".join(f"<p style='font-size:13px;margin:4px 0'>{escape(line)}</p>" for line in lines)

        for widget in (agree, purpose, place):
            widget.param.watch(follow, "value")
        self._follow_consent = follow
        follow()
        text = pn.pane.HTML(f"<p style='font-size:15px;line-height:1.5;margin:0'>{escape(CONSENT)}</p>", sizing_mode="stretch_width")
        note = pn.pane.HTML(
            "<p style='font-size:13px;margin:4px 0'>The sample interview is stock footage with a synthetic voice: nobody is recorded.</p>"
        )
        self._wait = pn.pane.HTML("", sizing_mode="stretch_width")
        buttons = pn.FlexBox(start, sample, refuse, flex_wrap="wrap", gap="6px")
        dialog = pmui.Dialog(
            text, pn.FlexBox(purpose, place, flex_wrap="wrap", align_items="center"), legal, who, agree, note, self._wait, buttons,
            title="Before anything is captured", title_variant="h6", open=True, close_on_click=False, width_option="md",
        )  # fmt: skip
        return dialog, agree, start, purpose, place, who

    # ── beginning ────────────────────────────────────────────────────────────────────────────────────────────────────
    def attach(self) -> LivePage:
        """Tie the page to this visitor: load models where the server has not, update it, and store the session when they leave."""
        model_pool(self._settings).open_soon()
        pn.state.add_periodic_callback(self._update, PERIOD)
        pn.state.on_session_destroyed(lambda _: self.leave())
        return self

    def leave(self) -> None:
        """The visitor is gone: end and store what runs."""
        if self._player:
            self._player.stop()
        if self._session:
            self._session.heard = lambda: None
            self._session.stop("the page was closed")

    def _ask(self) -> None:
        self._agree.value = False
        self._dialog.open = True

    def _open_camera(self) -> None:
        if self._agree.value:
            self._launch(self._who.value or "participant", CONSENT, None)

    def _open_sample(self) -> None:
        self._launch("workbench", "sample interview: stock footage and a synthetic voice; no person is recorded", self._sample)

    def _launch(self, by: str, text: str, sample: Callable[[], Any] | None) -> None:
        if self._opening or (self._session and not self._session.ended.is_set()):
            return
        consent = contracts.Consent(given=True, by=by, when=datetime.now(UTC).isoformat(timespec="seconds"), text=text)
        session = self._settings.session.model_copy(
            update={"purpose": self._purpose.value, "jurisdiction": self._place.value or "unstated"}
        )
        settings = self.weights.settings.model_copy(update={"session": session})
        self._opening = "preparing the sample interview" if sample else "starting"
        self._dialog.open = False
        self._report = None
        threading.Thread(target=self._prepare, args=(settings, consent, sample), name="live-open", daemon=True).start()

    def _prepare(self, settings: Settings, consent: contracts.Consent, sample: Callable[[], Any] | None) -> None:
        """In a thread of its own: nothing here may hold the document."""
        try:
            plan, media, path = self._plan, None, None
            if sample:
                from workbench.language.interview import load_plan

                paths = sample()
                path, plan = paths.video, load_plan(paths.interview)
                media = {"name": "sample interview (stock footage, synthetic voice)"}
            session = open_live(settings, plan, consent, media)
            player = Player(path, session.intake, settings.capture) if path else None
            self._ready = (session, player, plan)
            self._opening = "ready"
        except WorkbenchError as error:
            self._opening = f"error: {error}"

    def _run(self) -> None:
        session, player, plan = self._ready
        self._session, self._player, self._opening, self._told = session, player, "", None
        document = pn.state.curdoc
        session.heard = lambda: document.add_next_tick_callback(self._words)
        session.begin()
        self.media.attach(session.intake)
        self.media.source = "sample" if player else "camera"
        self.media.state = "live"
        self._notice.visible, self._notices.object = False, _QUIET
        self.timeline.clear()
        self.gauges.clear()
        self._question.options = {q.text: q.id for q in plan.questions} if plan else {f"Question {i}": f"q{i}" for i in range(1, 11)}
        self._begin.visible = self._open.visible = self._download.visible = False
        for button in (self._pause, self._stop, self._mark):
            button.disabled = False
        if player:
            player.start()

    # ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _change(self, settings: Settings) -> None:
        if self._session:
            self._session.change(settings)

    def _on_mark(self) -> None:
        if self._session and self._question.value:
            names = {v: k for k, v in self._question.options.items()}
            self._session.mark(self._question.value, names[self._question.value])
            rest = list(self._question.options.values())
            at = rest.index(self._question.value)
            self._question.value = rest[min(at + 1, len(rest) - 1)]

    def _on_pause(self) -> None:
        if not self._session:
            return
        on = self.media.state != "paused"
        self._session.pause(on)
        if self._player:
            self._player.pause(on)
        self.media.state = "paused" if on else "live"
        self._pause.label = "Go on" if on else "Pause"

    def _on_stop(self) -> None:
        if self._player:
            self._player.stop()
        self.media.state = "stopped"
        self._pause.disabled = self._mark.disabled = True
        self._tell("Storing the last seconds …", "info")
        if self._session:
            self._session.stop()

    def _update(self) -> None:
        """Called every `PERIOD` under the document's lock: shows what is ready, computes nothing."""
        self._updates += 1
        self.media.tick = self._updates
        models = model_pool(self._settings)
        if self._dialog.open:
            self._wait.object = "" if models.ready else f"<b>{escape(models.error or 'Loading models …')}</b>"
            self._follow_consent()
        if self._opening == "ready":
            self._run()
        elif self._opening:
            self._tell(self._opening.removeprefix("error: "), "error" if self._opening.startswith("error") else "info")
            self._opening = "" if self._opening.startswith("error") else self._opening
        session = self._session
        if session is None:
            return
        if self._player and self._player.finished.is_set() and self.media.state == "live":
            self._on_stop()
        view = session.view()
        if view.state in ("ending", "ended") and self.media.state in ("live", "paused"):
            self.media.state = "stopped"  # the session ended by itself
            self._tell(f"{session.why_ended}The session is being ended and stored.", "warning")
        self._show(view, session)
        if session.ended.is_set() and self._stop.disabled is False:
            self._ended(session)

    def _words(self) -> None:
        """Called when words were heard: they do not wait for the next update."""
        if self._session:
            view = self._session.view()
            self.transcript.show(view.transcripts, view.interim, self._settings.speech.low_word_confidence)

    def _show(self, view: View, session: LiveSession) -> None:
        self._words()
        if view.replay is not None and view.replay is not self._shown:
            self._shown = view.replay
            speech = session.seen.track("speech", ("probability",))
            self.timeline.show(view.replay, (speech.times, speech.values[:, 0]), view.clock)
            self.gauges.show(view.replay.scores)
        self.timeline.hear(view.voice)
        self._now.object = "" if session.ended.is_set() else now(view)
        stages = session.ledger.summary() if self._updates % LEDGER_EVERY == 0 else None
        self.health.show(view.health, stages)
        told = list(view.notices)
        if told and told[-1] is not self._told:
            self._told = told[-1]
            self._notices.object = notices(told)

    def _tell(self, text: str, kind: str) -> None:
        self._notice.param.update(object=text, severity=kind, visible=bool(text))

    def _ended(self, session: LiveSession) -> None:
        for button in (self._pause, self._stop, self._mark):
            button.disabled = True
        self._begin.visible = True
        self._pause.label = "Pause"
        stored = f"{session.why_ended}Stored in {session.writer.folder}. Writing the report …"
        self._tell(session.error or stored, "error" if session.error else "info")
        threading.Thread(target=self._write_report, args=(session, pn.state.curdoc), name="live-report", daemon=True).start()

    def _write_report(self, session: LiveSession, document: Any) -> None:
        from workbench.report.build import build
        from workbench.sessions.store import Session

        try:
            path = build(Session.open(session.writer.folder))
            document.add_next_tick_callback(lambda: self._offer(path))
        except WorkbenchError as error:
            text = str(error)
            document.add_next_tick_callback(lambda: self._tell(text, "error"))

    def _offer(self, path: Path) -> None:
        self._report = path
        self._download.visible = True
        if browser.mounted:
            self._open.href, self._open.visible = offer(path), True
        why = self._session.why_ended if self._session else ""
        self._tell(f"{why}The session is stored in {path.parent}.", "success")

    def _file(self) -> Any:
        return self._report

    def __panel__(self) -> Any:
        return self._layout


_NOTICES = 5
_QUIET = "<p style='margin:0;font-size:14px;opacity:.65'>What fails, slows down or is unplugged is listed here.</p>"


def notices(told: Sequence[contracts.Event]) -> str:
    """The newest notices as HTML, each with its session second; earlier ones are counted."""
    lines = "".join(
        f"<li><span style='opacity:.65'>{e.timestamp // 60:.0f}:{e.timestamp % 60:02.0f}</span> <b>{escape(e.title)}:</b>"
        f" {escape(f'{e.stage}: ' if e.stage and e.stage != 'live' else '')}{escape(e.message)}</li>"
        for e in reversed(told[-_NOTICES:])
    )
    earlier = f"<li style='opacity:.65'>{len(told) - _NOTICES} earlier</li>" if len(told) > _NOTICES else ""
    style = "margin:0;padding:0;list-style:none;font-size:13px;line-height:1.6"
    return f"<ul class='notices' role='log' style='{style}'>{lines}{earlier}</ul>"


def now(view: View) -> str:
    """What fusion says right now, as HTML: the label, or both candidates where it is uncertain, and which modalities count."""
    names = {"visual": "face", "audio": "voice"}
    failed: dict[str, list[str]] = {}
    for stage, modality in view.health.failing.items():
        failed.setdefault(modality or "", []).append(stage)
    broken = "".join(
        f"<br><b style='font-size:13px'>{names[m]}: not analysed, {escape(', '.join(s))} failed</b>"
        for m, s in failed.items()
        if m in names
    )
    fused = view.replay.windows if view.replay is not None else []
    window = next((w for w in reversed(fused[-6:]) if w.fused_emotion), None)
    if window is None or window.fused_emotion is None:
        why = "; ".join(f"{names.get(m, m)}: {reason}" for m, reason in (fused[-1].missing if fused else {}).items())
        return f"<p class='now' style='font-size:15px;margin:8px 0 0'>Nothing to fuse yet. {escape(why)}{broken}</p>"
    emotion = window.fused_emotion
    text = " or ".join(f"{n} {p:.0%}" for n, p in emotion.top2) if emotion.uncertain else f"{emotion.label} {emotion.score:.0%}"
    weights = ", ".join(f"{names.get(m, m)} {w:.0%}" for m, w in window.weights.items())
    speaking = view.interim is not None  # speech counts once its stretch has ended: until then "no speech" would be untrue
    reasons = {m: "measured when this stretch of speech ends" if m == "audio" and speaking else why for m, why in window.missing.items()}
    absent = "".join(f" · {names.get(m, m)}: {why}" for m, why in reasons.items() if m not in failed)
    kind = "uncertain: " if emotion.uncertain else ""
    return (
        f"<p style='font-size:17px;margin:8px 0 0'>"
        f"<span class='now' data-label='{escape(emotion.label)}'>{kind}<b>{escape(text)}</b></span>"
        f"<br><span style='font-size:13px;opacity:.7'>{escape(weights + absent)}</span>{broken}</p>"
    )
