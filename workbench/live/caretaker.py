"""Looks after a running live session: hung workers, the machine's load, and what is given up so that words and picture keep up."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workbench.contracts import Modality
from workbench.events import EventKind
from workbench.live.health import Governor, Machine, Reading, must_stop
from workbench.live.view import Health, p95
from workbench.runtime.ledger import Ledger
from workbench.runtime.supervisor import Worker
from workbench.stage import Degradable, ReportsLag, Stage, TracksSpeech

HUNG = 45.0
"""Seconds that a stage may take over one item; longer and it counts as hung."""
SILENT = 60.0
"""Seconds without a message from the browser after which the session is stopped and stored."""
OVERLAY, UPDATE = "capture → overlay", "page update"
"""What the browser measures, in the ledger: from a picture to its boxes, and from a change to its drawing (s)."""
_SHOWN = {"delays": OVERLAY, "updates": UPDATE}


class Caretaker:
    """One session's caretaker; its methods are called by the session's ticker, `shown` and `heard_from` by the browser's thread.

    Parameters
    ----------
    workers : sequence of Worker
        Vision, speech, measures, in this order.
    stages : sequence of Stage
        Those that run in this process; what they offer (`Degradable`, `ReportsLag`, `TracksSpeech`) is used.
    folder : Path
        Of the session: its disk must not fill up.
    ledger : Ledger
    happened : callable
        ``happened(kind, message, **data)``: notes an event.
    """

    def __init__(
        self, workers: Sequence[Worker], stages: Sequence[Stage], folder: Path, ledger: Ledger, happened: Callable[..., Any]
    ) -> None:
        self.workers, self.stages, self.ledger, self._happened = workers, stages, ledger, happened
        self.governor, self.machine = Governor(), Machine(folder)
        self.reading: Reading | None = None
        self.hung: dict[str, str | None] = {}
        """Workers that have not come back from one item for `HUNG` seconds, each with the modality that is missing meanwhile."""
        self._shown: dict[str, deque[float]] = {name: deque(maxlen=400) for name in _SHOWN}
        self._analysed: deque[float] = deque(maxlen=256)
        self._last_message = time.monotonic()
        for line in _SHOWN.values():
            ledger.declare(line, 500.0)

    # ── what others report ───────────────────────────────────────────────────────────────────────────────────────────
    def heard_from(self) -> None:
        """The browser has sent something."""
        self._last_message = time.monotonic()

    def shown(self, message: dict[str, Any]) -> None:
        """The browser says how long boxes and updates took, in ms."""
        for name, line in _SHOWN.items():
            values = [float(v) for v in message.get(name, []) if isinstance(v, int | float)]
            self._shown[name].extend(values)
            for milliseconds in values:
                self.ledger.record(line, milliseconds / 1000)

    def analysed(self) -> None:
        """A picture was analysed."""
        self._analysed.append(time.monotonic())

    # ── what the stages offer ────────────────────────────────────────────────────────────────────────────────────────
    def lag(self) -> float:
        """Seconds that the last recognition took; 0 where no stage says."""
        return next((s.lag for s in self.stages if isinstance(s, ReportsLag)), 0.0)

    def speaking_since(self) -> float | None:
        """The session second since which somebody speaks; None where nobody does."""
        return next((s.speaking_since for s in self.stages if isinstance(s, TracksSpeech)), None)

    def delay(self) -> float:
        """Median seconds from picture to box, of about the last five."""
        recent = list(self._shown["delays"])[-60:]
        return float(np.median(recent)) / 1000 if recent else 0.0

    # ── looking after it ─────────────────────────────────────────────────────────────────────────────────────────────
    def look(self, now: float, backlog: float, live: bool) -> str:
        """Notice what hangs, read the machine, slow down or recover; gives why the session must stop, empty where it need not.

        Parameters
        ----------
        now : float
            Of the monotonic clock, s.
        backlog : float
            Audio that waits for recognition, s.
        live : bool
            Whether the session takes media.
        """
        self._notice_hung()
        self.reading = self.machine.read(backlog, self.delay(), self.lag())
        self.machine.tidy(now)
        if notice := self.governor.look(now, self.reading):
            for stage in self.stages:
                if isinstance(stage, Degradable):
                    stage.degrade(self.governor.step.batch)
            self._happened(EventKind.DEGRADED if self.governor.level else EventKind.RECOVERED, notice, level=self.governor.level)
        if why := must_stop(self.reading):
            return f"stopped for safety: {why}; everything until here is stored"
        if live and now - self._last_message > SILENT:
            return "the browser has been gone for a minute"
        return ""

    def _notice_hung(self) -> None:
        """A stage that does not come back is masked and said; where it runs in a process of its own that is replaced."""
        for worker, modality in zip(self.workers, (Modality.VISUAL, Modality.AUDIO, Modality.AUDIO), strict=True):
            name, since = worker.name.removeprefix("live-"), worker.hung(HUNG)
            if since is None and self.hung.pop(name, None):
                self._happened(EventKind.STAGE_RESTARTED, f"{name} goes on")
            elif since is not None and name not in self.hung:
                self.hung[name] = modality.value
                self._happened(EventKind.STAGE_HUNG, f"{name} has not answered for {since:.0f} s", modality=modality.value)
                worker.graph.kill()

    def health(self, **counts: Any) -> Health:
        """What the health strip shows; `counts` are the fields of `Health` that queues and browser give."""
        now = time.monotonic()
        failing = {name: modality for w in self.workers for name, modality in w.graph.failing().items()} | self.hung
        return Health(
            fps=sum(1 for t in list(self._analysed) if now - t <= 5) / 5,
            asr_lag=self.lag(),
            level=self.governor.level,
            failing=failing,
            reading=self.reading,
            overlay_p95_ms=p95(self._shown["delays"]),
            update_p95_ms=p95(self._shown["updates"]),
            **counts,
        )
