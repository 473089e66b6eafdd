"""Live sessions put together: stages, store, scoring, and the server's routes. All else is in the rooms.

``panel serve apps/live.py --plugins workbench.live`` mounts the media socket and ``/metrics`` and loads the models before
the first visitor comes. Without the flag the page works too: media then travels as Panel messages, and the models are
loaded when the first page opens.
"""

from __future__ import annotations

import gc
import platform
import secrets
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tornado.web import RequestHandler

from workbench import contracts, pipeline
from workbench import settings as tree
from workbench.capture import browser
from workbench.errors import WorkbenchError
from workbench.fusion.stored import pinned
from workbench.runtime.ledger import Ledger
from workbench.runtime.live import LiveSession, Parts
from workbench.runtime.metrics import MetricsHandler, watch
from workbench.runtime.process import ProcessGraph
from workbench.sessions.consent import disabled_channels
from workbench.sessions.writer import SessionWriter
from workbench.settings import Settings
from workbench.stage import Stage

CONSENT = (
    "This page records your picture and voice for the purpose chosen here. From them it computes: where your face is, "
    "probabilities of seven expression classes, your words, pitch, loudness and pauses of your voice, and scores made of these. "
    "Everything is computed on this computer and stored in one folder on it; nothing is sent anywhere else. "
    "The numbers are estimates with known errors: an expression is not a feeling, the voice model is not validated, and no score "
    "may decide about a person by itself. You may pause, stop, and have the recording deleted at any time."
)


@dataclass
class Kit:
    """One set of loaded stages; used by one session at a time, then by the next."""

    vision: list[Stage]
    speech: list[Stage]
    measures: ProcessGraph

    def warm_up(self) -> None:
        """Load all models."""
        self.measures.start()
        pipeline.warm_up([*self.vision, *self.speech])

    def reset(self) -> None:
        """Forget what was seen and heard."""
        for stage in (*self.vision, *self.speech):
            stage.reset()
        self.measures.reset()


def measuring_stages(settings: Settings, disabled: dict[str, str]) -> list[Stage]:
    """The recorded path's stages after recognition (word alignment, prosody, affect), and pitch and level of speech that goes on."""
    from workbench.speech.provisional import ProvisionalVoice
    from workbench.speech.transcription import Transcriber
    from workbench.speech.vad import VoiceActivity

    recorded = [s for s in pipeline.speech_stages(settings, disabled) if not isinstance(s, VoiceActivity | Transcriber)]
    return [*recorded, ProvisionalVoice()]


def build_kit(settings: Settings, disabled: dict[str, str]) -> Kit:
    """The recorded path's stages, with streaming recognition in place of the recorded one."""
    from workbench.speech.provisional import NewestSpeech
    from workbench.speech.streaming import StreamingTranscriber
    from workbench.speech.vad import VoiceActivity

    activity = VoiceActivity(settings.speech)
    listener = StreamingTranscriber(settings.speech, lambda: activity.speaking_since)
    newest = NewestSpeech(lambda: activity.speaking_since)
    specs = [s.spec for s in measuring_stages(settings, disabled)]
    measures = ProcessGraph("workbench.live:measuring_stages", (settings, disabled), specs)
    return Kit(pipeline.vision_stages(settings, disabled), [newest, listener, activity], measures)


@dataclass
class Shop:
    """Kits that wait for a session. Weights that cannot be shared are loaded once a kit, and a kit serves many sessions."""

    settings: Settings
    disabled: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    _free: list[Kit] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _warm: threading.Event = field(default_factory=threading.Event)

    @property
    def ready(self) -> bool:
        return self._warm.is_set()

    def open(self, kits: int = 1) -> None:
        """Load models; says in `error` what is missing."""
        try:
            for _ in range(kits):
                self.put(self._build())
            gc.collect()
            gc.freeze()  # models stay: a collection need not walk their two million objects again, and a page that loads waits for it
            self.error = None
            self._warm.set()
        except WorkbenchError as error:
            self.error = str(error)

    def open_soon(self) -> None:
        """Load in the background unless that was done or is under way."""
        with self._lock:
            if not self.ready and not any(t.name == "live-warm-up" for t in threading.enumerate()):
                threading.Thread(target=self.open, name="live-warm-up", daemon=True).start()

    def take(self) -> Kit:
        """A free kit, or a new one."""
        with self._lock:
            if self._free:
                return self._free.pop()
        return self._build()

    def put(self, kit: Kit) -> None:
        """Take a kit back, forgetting what it has seen."""
        kit.reset()
        with self._lock:
            self._free.append(kit)

    def _build(self) -> Kit:
        from workbench.language import similarity

        kit = build_kit(self.settings, self.disabled)
        kit.warm_up()
        similarity.warm_up(self.settings.language.similarity_model)
        return kit


_shops: dict[str, Shop] = {}


def shop(settings: Settings, disabled: dict[str, str] | None = None) -> Shop:
    """The process's shop for these models (vision and speech settings, and channels that are off, decide)."""
    off = disabled or {}
    return _shops.setdefault(repr((settings.vision, settings.speech, settings.language, sorted(off))), Shop(settings, off))


def open_live(
    settings: Settings,
    plan: Any = None,
    consent: contracts.Consent | None = None,
    media: dict[str, Any] | None = None,
    folder: Path | None = None,
) -> LiveSession:
    """A new live session, not yet begun. Takes a while where no kit is free: call it outside the document lock.

    Parameters
    ----------
    settings : Settings
    plan : InterviewPlan, optional
        Questions, model answers, keywords.
    consent : Consent
        What the person agreed to.
    media : dict, optional
        Where picture and sound come from, for the header.
    folder : Path, optional
        Session folder; a new one in `settings.sessions_dir` by default.

    Raises
    ------
    WorkbenchError
        Without consent, without weights, or where the session cannot be written.
    """
    if consent is None or not consent.given:
        raise WorkbenchError("live: no consent was given, so nothing is captured; agree on the page, or play the sample interview")
    disabled = disabled_channels(settings.session.purpose, settings.session.jurisdiction)
    where = shop(settings, disabled)
    kit = where.take()
    settings = pinned(settings)
    started = datetime.now(UTC)
    name = folder or tree.sessions_dir() / f"{started:%Y-%m-%dT%H-%M-%S}-live-{started.microsecond:06d}"
    header = contracts.SessionHeader(
        session_id=name.name,
        created=started.isoformat(timespec="seconds"),
        purpose=settings.session.purpose,
        jurisdiction=settings.session.jurisdiction,
        consent=consent,
        disabled=disabled,
        media=media or {"name": "browser camera and microphone"},
        settings=settings.echo(),
        interview=plan.model_dump(mode="json") if plan else None,
        models=pipeline.provenance([*kit.vision, *kit.speech, *measuring_stages(settings, disabled)], settings),
        clock=contracts.Clock(wall_zero=started.isoformat(timespec="milliseconds"), sample_rate=settings.capture.sample_rate),
        software={name: version(name) for name in pipeline.SOFTWARE} | {"python": platform.python_version()},
    )
    ledger = Ledger()

    marked = Marked(plan, settings)

    def finish(writer: SessionWriter, marks: list[contracts.Event], duration: float) -> None:
        pipeline.finish(writer, settings, marked.plan(marks, duration), ledger, lambda stage, seconds: None)
        if not session.hung:  # what hangs keeps its stages
            where.put(kit)

    writer = SessionWriter.create(name, header)
    session = LiveSession(writer, settings, Parts(kit.vision, kit.speech, kit.measures, pipeline.store, marked.answers, finish), ledger)
    watch(session)
    return session


class Marked:
    """The interview's questions at the times at which they were marked, and the answers to them so far."""

    def __init__(self, plan: Any, settings: Settings) -> None:
        self._plan, self._settings = plan, settings
        self._known: tuple[Any, list[contracts.Answer]] = (None, [])

    def plan(self, marks: list[contracts.Event], duration: float) -> Any:
        """The plan with times, or None where nothing says when a question was asked: then the whole is one answer."""
        from workbench.language.interview import from_marks

        plan = from_marks(self._plan, marks, duration)
        return plan if plan is not None and plan.timed else None

    def answers(self, transcripts: list[contracts.Transcript], marks: list[contracts.Event], duration: float) -> list[contracts.Answer]:
        """Computed anew only where a segment has closed or a question was marked."""
        from workbench.language.answers import analyse

        key = (len(transcripts), len(marks))
        if key != self._known[0]:
            found = analyse(self.plan(marks, duration), transcripts, self._settings, duration) if transcripts else []
            self._known = (key, list(found))
        return self._known[1]


_reports: dict[str, Path] = {}


def offer(report: Path) -> str:
    """An address of this server, relative to the page, at which a report can be opened by whoever knows it."""
    token = secrets.token_urlsafe(16)
    _reports[token] = report
    return f"workbench/report/{token}"


class ReportHandler(RequestHandler):
    """Serves the reports that were offered."""

    def get(self, token: str) -> None:
        path = _reports.get(token)
        if path is None or not path.exists():
            self.set_status(404)
            self.finish("This report is not offered here (any more); it lies in its session's folder as report.html.")
            return
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(path.read_bytes())


def _serve() -> list[tuple[str, type]]:
    """The routes for ``panel serve --plugins``; loads the models on the way, before the server listens."""
    browser.mounted = True
    where = shop(tree.load())
    sys.stderr.write("workbench: loading models ...\n")
    where.open(kits=2)
    sys.stderr.write(f"workbench: {where.error or 'models are loaded and warm'}\n")
    return [*browser.ROUTES, (r"/metrics", MetricsHandler), (r"/workbench/report/([\w-]+)", ReportHandler)]


def __getattr__(name: str) -> Any:  # `ROUTES` is what panel asks a plug-in for; importing this module elsewhere loads nothing
    if name == "ROUTES":
        return _serve()
    raise AttributeError(name)
