"""How the machine is doing, and what a live session gives up when it is not doing well."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_TEMPERATURE, MAX_UTILISATION, MAX_BACKLOG = 85.0, 0.75, 3.0
"""°C and fraction of the GPU, s of audio that wait: above any of them a session steps down (blueprint §7)."""
CALM_TEMPERATURE, CALM_UTILISATION, CALM_BACKLOG = 80.0, 0.60, 1.0
"""Below all of them it steps up again."""
MAX_DELAY, CALM_DELAY = 0.5, 0.25
MAX_LAG, CALM_LAG = 1.0, 0.6
"""s from picture to box, and s that one hearing of the open speech takes. Without a GPU the processor may be as busy as it likes
while nobody has to wait: it counts where the picture or the words are late as well."""
DOWN_AFTER, UP_AFTER = 5.0, 20.0
"""Seconds that a reason must hold before a step."""
HARD_TEMPERATURE, HARD_BACKLOG, HARD_DISK, HARD_MEMORY = 95.0, 60.0, 0.2, 0.3
"""°C, s, GB free, GB free: beyond any of them the session is stopped with everything stored."""

TIDY_EVERY = 60.0  # s


@dataclass(frozen=True)
class Reading:
    """One look at the machine. Fractions in [0, 1]; None where there is no GPU to ask."""

    cpu: float
    memory_mb: float
    memory_free_gb: float
    disk_free_gb: float
    gpu: float | None = None
    temperature: float | None = None
    backlog: float = 0.0
    delay: float = 0.0
    lag: float = 0.0


@dataclass(frozen=True)
class Step:
    """A level of thrift: analysed frames per second as a share of the settings', and faces a batch as a share."""

    frames: float
    batch: float


STEPS = (Step(1.0, 1.0), Step(0.8, 0.5), Step(0.73, 0.5), Step(0.5, 0.25), Step(0.33, 0.125))
BUSY_LEVEL = 2
"""Utilisation and delay alone step no further than this (11 of 15 frames/s): more would cost the view more than it spares."""


class Governor:
    """Decides the level from readings: down after a reason held 5 s, up after 20 s without any, one step at a time."""

    def __init__(self) -> None:
        self.level = 0
        self._strained_since: float | None = None
        self._calm_since: float | None = None

    @property
    def step(self) -> Step:
        return STEPS[self.level]

    def look(self, now: float, reading: Reading) -> str | None:
        """Take a reading at `now` (s, monotonic); gives the notice of a step, if one was taken."""
        reasons, deepest = self._reasons(reading)
        if not (reasons and self.level < deepest):
            self._strained_since = None
        elif self._strained_since is None:
            self._strained_since = now
        if not self._is_calm(reading):
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        if self._strained_since is not None and now - self._strained_since >= DOWN_AFTER:
            self._strained_since = self._calm_since = None
            self.level += 1
            return f"{' and '.join(reasons)}: analysing {self.step.frames:.0%} of the frames"
        if self.level and self._calm_since is not None and now - self._calm_since >= UP_AFTER:
            self._calm_since = now
            self.level -= 1
            return f"the machine has room again: analysing {self.step.frames:.0%} of the frames"
        return None

    def _reasons(self, r: Reading) -> tuple[list[str], int]:
        reasons, deepest = [], BUSY_LEVEL
        if (r.gpu or 0.0) > MAX_UTILISATION:
            reasons.append(f"{r.gpu:.0%} of the GPU in use")
        if r.cpu > MAX_UTILISATION and (r.delay > MAX_DELAY or r.lag > MAX_LAG):
            late, seconds = ("picture", r.delay) if r.delay > MAX_DELAY else ("words", r.lag)
            reasons.append(f"{r.cpu:.0%} of the processor in use and the {late} {seconds:.1f} s late")
        if r.temperature is not None and r.temperature > MAX_TEMPERATURE:
            reasons.append(f"GPU at {r.temperature:.0f} °C")
            deepest = len(STEPS) - 1
        if r.backlog > MAX_BACKLOG:
            reasons.append(f"{r.backlog:.1f} s of audio wait")
            deepest = len(STEPS) - 1
        return reasons, deepest

    def _is_calm(self, r: Reading) -> bool:
        cool = r.temperature is None or r.temperature < CALM_TEMPERATURE
        quick = (r.delay < CALM_DELAY and r.lag < CALM_LAG) or r.cpu < CALM_UTILISATION
        return cool and quick and (r.gpu or 0.0) < CALM_UTILISATION and r.backlog < CALM_BACKLOG


def must_stop(r: Reading) -> str | None:
    """Why a session has to be stopped now, or None."""
    if r.temperature is not None and r.temperature >= HARD_TEMPERATURE:
        return f"the GPU is at {r.temperature:.0f} °C"
    if r.disk_free_gb < HARD_DISK:
        return f"only {r.disk_free_gb * 1000:.0f} MB of disk are free"
    if r.memory_free_gb < HARD_MEMORY:
        return f"only {r.memory_free_gb * 1000:.0f} MB of memory are free"
    if r.backlog >= HARD_BACKLOG:
        return f"{r.backlog:.0f} s of audio wait: this machine is too slow"
    return None


class Machine:
    """Reads processor, memory, disk and, where there is one, the NVIDIA GPU (NVML).

    Parameters
    ----------
    folder : Path
        Sessions are stored on its disk.
    """

    def __init__(self, folder: Path) -> None:
        import psutil

        self._folder = folder
        self._process = psutil.Process()
        self._psutil = psutil
        psutil.cpu_percent()
        self._gpu = _gpu()
        self._tidied = 0.0

    def tidy(self, now: float) -> None:
        """Once a minute, give freed memory back: many threads leave it in pieces that the C library keeps (5 MB a minute)."""
        if now - self._tidied >= TIDY_EVERY:
            self._tidied = now
            self._psutil.heap_trim()

    def read(self, backlog: float = 0.0, delay: float = 0.0, lag: float = 0.0) -> Reading:
        """Look now; what waits and is late is passed on (s)."""
        memory = self._psutil.virtual_memory()
        gpu, temperature = self._gpu_state()
        folder = self._folder
        while not folder.exists():
            folder = folder.parent
        return Reading(
            cpu=self._psutil.cpu_percent() / 100,
            memory_mb=self._process.memory_info().rss / 1e6,
            memory_free_gb=memory.available / 1e9,
            disk_free_gb=shutil.disk_usage(folder).free / 1e9,
            gpu=gpu,
            temperature=temperature,
            backlog=backlog,
            delay=delay,
            lag=lag,
        )

    def _gpu_state(self) -> tuple[float | None, float | None]:
        if self._gpu is None:
            return None, None
        nvml, handle = self._gpu
        return nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100, float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))


def _gpu() -> tuple[Any, Any] | None:
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml, pynvml.nvmlDeviceGetHandleByIndex(0)
    except Exception:  # no NVIDIA driver or no GPU: the ordinary case
        return None
