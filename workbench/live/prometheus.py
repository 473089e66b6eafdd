"""Prometheus metrics of the live sessions in this process, read when asked for."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from tornado.web import RequestHandler

if TYPE_CHECKING:
    from workbench.live.session import LiveSession

_sessions: weakref.WeakSet[LiveSession] = weakref.WeakSet()


def watch(session: LiveSession) -> None:
    """Let a session's figures be scraped while it lives."""
    _sessions.add(session)


def running() -> list[LiveSession]:
    """The sessions of this process that have begun and not ended."""
    return [s for s in list(_sessions) if s.state in ("live", "paused", "ending")]


class Collector:
    """Sums and extremes over the sessions that run; no session is named, for a name is personal data."""

    def collect(self) -> Iterator[Metric]:
        live = running()
        seen = [s.view().health for s in live]
        yield GaugeMetricFamily("workbench_sessions", "Live sessions that run", len(live))
        yield _gauge("frames_per_second", "Analysed frames per second, slowest session", (h.fps for h in seen), min)
        yield _gauge("audio_backlog_seconds", "Audio that waits, longest", (h.backlog for h in seen), max)
        yield _gauge("asr_lag_seconds", "Speech not yet heard when the last hearing ended, longest", (h.asr_lag for h in seen), max)
        yield _gauge("degradation_level", "Steps down, deepest", (h.level for h in seen), max)
        yield _gauge("stages_failing", "Stages that fail or were given up", (len(h.failing) for h in seen), sum)
        yield CounterMetricFamily("workbench_frames_dropped", "Frames that a newer one replaced", sum(h.dropped for h in seen))
        yield CounterMetricFamily("workbench_samples_lost", "Audio samples that never came", sum(h.lost for h in seen))
        readings = [h.reading for h in seen if h.reading]
        if readings:
            last = readings[-1]
            for name, help_text, value in (
                ("cpu_ratio", "Processor in use", last.cpu),
                ("memory_bytes", "Resident memory of this process", last.memory_mb * 1e6),
                ("gpu_ratio", "GPU in use", last.gpu),
                ("gpu_temperature_celsius", "GPU temperature", last.temperature),
            ):
                if value is not None:
                    yield GaugeMetricFamily(f"workbench_{name}", help_text, value)
        latency = SummaryMetricFamily("workbench_stage_seconds", "Time of stage calls", labels=["stage"])
        p95 = GaugeMetricFamily("workbench_stage_p95_seconds", "95th percentile of stage calls", labels=["stage"])
        for session in live:
            for line in session.ledger.summary():
                latency.add_metric([line.name], line.calls, line.total_s)
                p95.add_metric([line.name], line.p95_ms / 1000)
            break  # one session's stages: a label must not appear twice, and they run on the same machine
        yield latency
        yield p95


def _gauge(name: str, text: str, values: Iterable[float], pick: Callable[[list[float]], float]) -> Metric:
    found = list(values)
    return GaugeMetricFamily(f"workbench_{name}", text, float(pick(found)) if found else 0.0)


_registry = CollectorRegistry()
_registry.register(Collector())  # type: ignore[arg-type]


class MetricsHandler(RequestHandler):
    """``GET /metrics`` in Prometheus' text format."""

    def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.write(generate_latest(_registry))
