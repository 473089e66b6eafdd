"""The health strip: is the session keeping up, and what is it giving up to do so."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import panel as pn
import panel_material_ui as pmui

from workbench.live.health import MAX_BACKLOG, MAX_DELAY, MAX_LAG, MAX_TEMPERATURE, MAX_UTILISATION
from workbench.live.view import Health
from workbench.runtime.ledger import StageLatency

_STYLE = (
    "<style>.strip{display:flex;flex-wrap:wrap;gap:6px 8px;font-size:13px}.chip{padding:2px 10px;border-radius:99px;"
    "border:1px solid var(--line)}.chip b{font-weight:600}.bad{background:var(--alarm);color:var(--on-alarm);border-color:currentColor}"
    "table{border-collapse:collapse;font-size:13px;margin-top:6px}td,th{padding:2px 12px 2px 0;text-align:right}"
    "td:first-child,th:first-child{text-align:left}.over{color:var(--error);font-weight:600}</style>"
)


class HealthStrip(pn.viewable.Viewer):
    """Chips that turn red, and the latency ledger beneath."""

    def __init__(self) -> None:
        super().__init__()
        self._strip = pn.pane.HTML(_STYLE, sizing_mode="stretch_width")
        self._stages = pn.pane.HTML("", sizing_mode="stretch_width")
        self._table = pn.pane.HTML("", sizing_mode="stretch_width")
        ledger = pmui.Card(self._table, title="Latency of each stage", collapsed=True, title_variant="body2", sizing_mode="stretch_width")
        self._layout = pn.Column(self._strip, self._stages, ledger, sizing_mode="stretch_width")

    def show(self, health: Health, stages: list[StageLatency] | None = None) -> None:
        """Show one moment; the ledger only where it is given."""
        self._strip.object = _STYLE + strip(health)
        if stages is not None:
            self._stages.object, self._table.object = _STYLE + p95s(stages), _STYLE + table(stages)

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout


def strip(h: Health) -> str:
    """The chips as HTML."""
    chips = [
        ("frames/s", f"{h.fps:.1f}", False),
        ("frames dropped", str(h.dropped + h.skipped), False),
        ("frames waiting", str(h.waiting_frames), False),
        ("audio waiting", f"{h.backlog:.1f} s", h.backlog > MAX_BACKLOG),
        ("audio lost", f"{h.lost} samples", h.lost > 0),
        ("speech lag", f"{h.asr_lag:.1f} s", h.asr_lag > 2),
        ("picture → box p95", "–" if h.overlay_p95_ms is None else f"{h.overlay_p95_ms:.0f} ms", (h.overlay_p95_ms or 0) > 500),
        ("page update p95", "–" if h.update_p95_ms is None else f"{h.update_p95_ms:.0f} ms", (h.update_p95_ms or 0) > 500),
    ]
    if h.reading:
        r = h.reading
        late = h.asr_lag > MAX_LAG or (h.overlay_p95_ms or 0) > 1000 * MAX_DELAY  # alone a busy processor is no trouble
        chips += [("processor", f"{r.cpu:.0%}", late and r.cpu > MAX_UTILISATION), ("memory", f"{r.memory_mb / 1000:.1f} GB", False)]
        if r.temperature is not None:
            chips += [("GPU", f"{r.gpu or 0:.0%}", (r.gpu or 0) > MAX_UTILISATION)]
            chips += [("GPU temperature", f"{r.temperature:.0f} °C", r.temperature > MAX_TEMPERATURE)]
        else:
            chips.append(("GPU", "none", False))
    if h.level:
        chips.append(("slowed down", f"step {h.level}", True))
    chips += [("not working", name, True) for name in h.failing]
    if not h.connected:
        chips.append(("browser", "not connected", True))
    return _row(chips)


def p95s(stages: list[StageLatency]) -> str:
    """The 95th percentile of each stage as HTML chips, red where it is over the stage's budget."""
    return "<div style='font-size:13px;color:var(--soft);margin-bottom:4px'>95th percentile of each stage, ms</div>" + _row(
        (s.name, f"{s.p95_ms:.0f}" if s.p95_ms >= 10 else f"{s.p95_ms:.1f}", _over(s)) for s in stages if s.calls
    )


def _row(chips: Iterable[tuple[str, str, bool]]) -> str:
    shown = (f"<span class='chip{' bad' if bad else ''}'>{escape(name)} <b>{escape(value)}</b></span>" for name, value, bad in chips)
    return f"<div class='strip'>{''.join(shown)}</div>"


def _over(stage: StageLatency) -> bool:
    return bool(stage.budget_ms) and stage.p95_ms > stage.budget_ms


def table(stages: list[StageLatency]) -> str:
    """The latency ledger as an HTML table."""
    rows = "".join(
        f"<tr><td>{escape(s.name)}</td><td>{s.calls}</td><td>{s.p50_ms:.1f}</td>"
        f"<td{' class=over' if _over(s) else ''}>{s.p95_ms:.1f}</td><td>{s.budget_ms:g}</td></tr>"
        for s in stages
        if s.calls
    )
    head = "<tr><th>stage</th><th>calls</th><th>p50, ms</th><th>p95, ms</th><th>budget, ms</th></tr>"
    return f"<table>{head}{rows}</table>"
