"""A live session: what a browser sends, through the same graphs, store and fusion as a recording, as it comes.

Four threads: vision (latest picture wins), speech (audio is never dropped), the slower measures of a closed segment, and a
ticker that fuses what is there and looks after the machine. The page reads `view`; nothing here waits for a page.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench import contracts, streams
from workbench.capture.browser import Intake, JpegFrame, decode, register, unregister
from workbench.errors import WorkbenchError
from workbench.events import EventKind, Severity
from workbench.fusion.schedule import Change
from workbench.fusion.stored import pinned
from workbench.live.caretaker import HUNG, Caretaker
from workbench.live.observations import Observing
from workbench.live.video import Recording
from workbench.live.view import View, faces, fused_label
from workbench.runtime.graph import Graph
from workbench.runtime.ledger import Ledger
from workbench.runtime.process import ProcessGraph
from workbench.runtime.supervisor import Backlog, Latest, Worker
from workbench.sessions.replay import SECTIONS, recompute
from workbench.sessions.writer import AUDIO, SessionWriter
from workbench.settings import Settings
from workbench.speech.provisional import NONE, OpenSpeech, ProvisionalAcoustics, extended
from workbench.speech.streaming import Interim
from workbench.stage import Stage

TICK = 0.4
"""Seconds between two fusions; longer where one takes long."""
STOPPED_HERE = "stopped on the page"
LAST_WAIT = 6.0
"""Seconds that the end waits for audio that the browser still holds."""
FEW = 5
"""Items that may wait for the measuring process before speech that goes on is left out of the curves."""


@dataclass(frozen=True)
class Parts:
    """What a live session is made of: stages for its three graphs, and what the pipeline does with outputs.

    Parameters
    ----------
    vision, speech : sequence of Stage
        `speech` gets audio and makes transcripts.
    measures : ProcessGraph
        Gets those; started already.
    answers : callable
        ``answers(transcripts, marks, duration)`` → answers so far.
    finish : callable
        ``finish(writer, marks, duration)``: language, windows and scores of the whole session.
    """

    vision: Sequence[Stage]
    speech: Sequence[Stage]
    measures: ProcessGraph
    answers: Callable[[list[contracts.Transcript], list[contracts.Event], float], list[contracts.Answer]]
    finish: Callable[[SessionWriter, list[contracts.Event], float], None]


class LiveSession:
    """One visitor's session. Its `intake` takes media from the moment that `begin` is called, which says consent was given.

    Parameters
    ----------
    writer : SessionWriter
    settings : Settings
    parts : Parts
    ledger : Ledger, optional
    """

    def __init__(self, writer: SessionWriter, settings: Settings, parts: Parts, ledger: Ledger | None = None) -> None:
        self.writer, self.parts = writer, parts
        self.ledger = ledger or Ledger()
        self.settings = self._first_settings = settings
        self.intake = Intake(self._on_audio, self._on_frame, self._on_control)
        self.seen = Observing(settings.vision, writer.header.disabled)
        self.state = "ready"
        self.error: str | None = None
        self.ended = threading.Event()
        self.heard: Callable[[], None] = lambda: None
        """Called, in the thread of recognition, when words were heard; must return at once."""
        self._lock = threading.RLock()
        self._view = View("ready", 0.0)
        self._changes: list[Change] = []
        self._events: list[contracts.Event] = []
        self._closed: list[contracts.Transcript] = []
        self._interim: Interim | None = None
        self._voice = NONE
        self._unaligned: dict[str, streams.TranscribedClip] = {}
        self._labels: dict[str, contracts.VisualPrediction] = {}
        self._fused_label = ""
        self._end_at: int | None = None
        self._due = 0.0
        self._recording = Recording(writer.folder, settings.capture.fps) if settings.session.store_video else None
        self._pictures, self._sounds, self._closings = Latest(), Backlog(), Backlog()
        parts.measures.use(self.ledger)
        self._vision = Worker("vision", Graph(parts.vision, self.ledger), self._pictures, self._deliver, self._fatal, self._decode)
        self._speech = Worker("speech", Graph(parts.speech, self.ledger), self._sounds, self._deliver, self._fatal)
        self._measures = Worker("measures", parts.measures, self._closings, self._deliver, self._fatal, clock=lambda: self.clock)
        self._workers = (self._vision, self._speech, self._measures)
        self._caretaker = Caretaker(self._workers, [*parts.vision, *parts.speech], writer.folder, self.ledger, self._happened)
        self._ticker = threading.Thread(target=self._tick, name="live-ticker", daemon=True)
        self._reason = ""

    # ── what the page does ───────────────────────────────────────────────────────────────────────────────────────────
    def begin(self) -> None:
        """Consent was given: take media."""
        with self._lock:
            if self.state != "ready":
                return
            self.state = "live"
        register(self.intake)
        self.intake.open = True
        self._caretaker.heard_from()
        for thread in (*self._workers, self._ticker):
            thread.start()
        self._happened(EventKind.STARTED, "the session began")

    def pause(self, on: bool) -> None:
        """Stop or go on taking media; the session's clock stands still meanwhile."""
        with self._lock:
            if self.state in ("live", "paused"):
                self.state = "paused" if on else "live"
                self._happened(EventKind.PAUSED if on else EventKind.RESUMED, "")

    def mark(self, question_id: str, text: str = "") -> None:
        """A question begins now."""
        self._happened(EventKind.QUESTION, text, question_id=question_id)

    def change(self, settings: Settings) -> None:
        """Fuse and score with other settings from now on; stored, so that a replay does the same.

        Raises
        ------
        SettingsError
            If the settings cannot be used (the old ones stay in force).
        """
        settings = pinned(self.settings.model_copy(update={n: getattr(settings, n) for n in SECTIONS}))
        if settings == self.settings:
            return
        recompute(self.seen.observations(0.0), settings)  # refuses what cannot be used
        with self._lock:
            self.settings = settings
            event = self._happened(EventKind.SETTINGS_CHANGED, "", settings={n: settings.echo()[n] for n in SECTIONS})
            self._changes.append((event.timestamp, settings))

    def stop(self, reason: str = STOPPED_HERE) -> None:
        """End the session; `ended` is set once everything is stored. Returns at once."""
        with self._lock:
            if self.state == "ready":
                self.state = "ended"
                self.writer.close()
                self.ended.set()
            elif self.state in ("live", "paused"):
                self.state, self._reason = "ending", reason

    @property
    def why_ended(self) -> str:
        """A sentence for the page, with a space after it; empty where somebody stopped the session on the page."""
        return "" if self._reason in ("", STOPPED_HERE) else f"{self._reason[:1].upper()}{self._reason[1:]}. "

    @property
    def hung(self) -> dict[str, str | None]:
        """Workers that do not come back from one item, each with the modality that is missing meanwhile."""
        return self._caretaker.hung

    @property
    def clock(self) -> float:
        """Seconds of audio taken."""
        return self.intake.samples / 16000

    def view(self) -> View:
        """The newest moment; cheap."""
        with self._lock:
            seen = replace(self._view, transcripts=tuple(self._closed), interim=self._interim, voice=self._voice)
            return replace(seen, state=self.state, clock=self.clock)

    # ── what the browser sends ───────────────────────────────────────────────────────────────────────────────────────
    def _on_audio(self, block: streams.AudioBlock) -> None:
        self._caretaker.heard_from()
        self._sounds.put(block)
        self._store(block)

    def _on_frame(self, frame: JpegFrame) -> None:
        if self._recording is not None:
            self._keep(self._recording.add, frame)
        step = 1 / (self.settings.capture.fps * self._caretaker.governor.step.frames)
        if frame.timestamp + 0.02 < self._due:  # the governor's rate; a frame that comes a little early is taken
            return
        self._due = max(self._due + step, frame.timestamp)
        self._pictures.put(frame)

    def _on_control(self, message: dict[str, Any]) -> None:
        kind = message.get("kind")
        self._caretaker.heard_from()
        if kind == "shown":
            self._caretaker.shown(message)
        elif kind == "end":
            self._end_at = int(message.get("samples", 0))
        elif kind in (EventKind.MUTE, EventKind.UNPLUGGED, EventKind.PLUGGED):
            data = {k: v for k, v in message.items() if k != "kind"}
            happened = f": {'muted' if data.get('on') else 'on again'}" if kind == EventKind.MUTE else ""
            self._happened(kind, f"{data.get('device', 'microphone')}{happened}", **data)

    # ── what the graphs make ─────────────────────────────────────────────────────────────────────────────────────────
    def _decode(self, frame: JpegFrame) -> streams.FramePacket:
        with self.ledger.timing("decode"):
            return decode(frame, self.settings.capture.max_height)

    def _deliver(self, item: Any) -> None:
        self.seen.add(item)
        self._store(item)
        match item:
            case streams.TrackedFrame():
                self._caretaker.analysed()
                self._overlay(item.detections)
            case contracts.VisualOutput():
                self._labels.update({p.face_id: p for p in item.predictions})
            case Interim():
                with self._lock:
                    self._interim = item
                self.heard()
            case streams.AlignedClip():  # before the class that it is a kind of
                with self._lock:  # the same words, now at their aligned times
                    self._unaligned.pop(item.transcript.segment_id, None)
                    ids = [t.segment_id for t in self._closed]
                    self._closed[ids.index(item.transcript.segment_id)] = item.transcript
            case streams.TranscribedClip():
                with self._lock:
                    self._closed.append(item.transcript)
                    self._unaligned[item.transcript.segment_id] = item
                    self._interim = None
                self._closings.put(item)
            case OpenSpeech():
                if len(self._closings) < FEW:  # for display only: it must not keep what is stored waiting
                    self._closings.put(item)
            case ProvisionalAcoustics():
                with self._lock:
                    self._voice = extended(self._voice, item.track)
            case streams.MeasuredClip():
                with self._lock:
                    self._voice = self._voice.slice(item.message.end, np.inf)
            case contracts.Event():
                with self._lock:
                    self._events.append(item)

    def _store(self, item: Any) -> None:
        self._keep(self.writer.add, item)

    def _keep(self, write: Callable[..., Any], *what: Any) -> None:
        try:
            write(*what)
        except WorkbenchError as error:
            self._fatal(error)

    def _overlay(self, seen: contracts.Detections) -> None:
        found = faces(seen, self._labels, self._fused_label, self.settings.smoothing.uncertain)
        self.intake.send({"kind": "overlay", "frame_id": seen.frame_id, "faces": found})

    # ── fusion, health, the end ──────────────────────────────────────────────────────────────────────────────────────
    def _tick(self) -> None:
        looked, rest = 0.0, TICK
        while self.state != "ending":
            time.sleep(rest)
            began = time.monotonic()
            if began - looked >= 1.0:
                looked = began
                if why := self._caretaker.look(began, self._sounds.seconds, self.state == "live"):
                    self.stop(why)
            self._refresh()
            rest = max(TICK, 3 * (time.monotonic() - began))
        self._finish()

    def _refresh(self) -> None:
        try:
            self._fuse()
        except Exception as error:  # the page's numbers stand still, the session goes on
            logging.getLogger(__name__).exception("fusion of a live session failed")
            self._happened(EventKind.FUSION_ERROR, f"{type(error).__name__}: {error}")

    def _fuse(self) -> None:
        with self._lock:
            changes, transcripts, marks = list(self._changes), list(self._closed), [e for e in self._events if e.kind == EventKind.QUESTION]
            events = [e for e in self._events if e.severity is not Severity.ROUTINE or e.kind == EventKind.STOPPED]
        with self.ledger.timing("fusion and scoring"):
            answers = self.parts.answers(transcripts, marks, self.clock)
            observed = replace(self.seen.observations(self.clock, self._caretaker.speaking_since()), answers=tuple(answers))
            replay = recompute(observed, _quick(self._first_settings), changes=[(t, _quick(s)) for t, s in changes])
        self._fused_label = fused_label(replay, self.clock)
        with self._lock:
            health = self._caretaker.health(
                waiting_frames=len(self._pictures), backlog=self._sounds.seconds, dropped=self._pictures.dropped,
                skipped=self.intake.skipped, lost=self.intake.lost, connected=self.intake.connected,
            )  # fmt: skip
            self._view = View(self.state, self.clock, replay=replay, health=health, notices=tuple(events[-50:]), marks=tuple(marks))

    def _finish(self) -> None:
        deadline = time.monotonic() + LAST_WAIT
        while time.monotonic() < deadline and (self._end_at is None or self.intake.samples < self._end_at) and self.error is None:
            time.sleep(0.05)
        self.intake.open = False
        self.intake.send({"kind": "ended"})
        for worker in self._workers:  # in the order in which they feed one another
            worker.end()
            while worker.is_alive() and worker.hung(HUNG) is None:
                worker.join(0.2)
        for left in list(self._unaligned.values()):  # the aligner failed on them: they keep the recogniser's times
            self._deliver(streams.AlignedClip(left.transcript, left.clip))
        self._refresh()  # what was said last is measured now
        try:
            self._happened(EventKind.STOPPED, self._reason)
            late = max((self._end_at or 0) - self.intake.samples, 0) + self.intake.lost
            lines = [line.to_dict() for line in self.ledger.summary()]
            counts = {"lost_samples": late, "dropped_frames": self._pictures.dropped, "skipped_frames": self.intake.skipped}
            counts |= {"video_frames_left_out": self._recording.left_out} if self._recording is not None else {}
            self._happened(EventKind.LATENCY, "time spent in each stage", stages=lines, **counts)
            self.parts.finish(self.writer, [e for e in self._events if e.kind == EventKind.QUESTION], self.clock)
        except WorkbenchError as error:
            self.error = str(error)
        finally:
            self.writer.close()
            if self._recording is not None:
                self._keep(self._recording.finish, self.writer.folder / AUDIO)
            unregister(self.intake)
            self.state = "ended"
            self.ended.set()

    def _fatal(self, error: WorkbenchError) -> None:
        if self.error is None:
            self.error = str(error)
            self.stop(f"stopped: {error}")

    def _happened(self, kind: str, message: str, **data: Any) -> contracts.Event:
        event = contracts.Event(timestamp=self.clock, kind=kind, stage="live", message=message, data=data)
        with self._lock:
            self._events.append(event)
        try:
            self.writer.write("events", event)
        except WorkbenchError as error:
            self._fatal(error)
        return event


def _quick(settings: Settings) -> Settings:
    """Without the bootstrap intervals, which the report computes once."""
    return settings.model_copy(update={"scoring": settings.scoring.model_copy(update={"draws": 0})})
