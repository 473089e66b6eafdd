"""Live timelines: what face, voice and fusion say, speech, pitch and level, over the last minute."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, Range1d

from workbench.labels import BASIC
from workbench.sessions.replay import Replay
from workbench.speech.provisional import NONE
from workbench.streams import Floats, Track
from workbench.theme import ACCENT, EMOTION_COLOURS, INK
from workbench.views.charts import BLOCK, KEY, WHOLE, look, plain, second_axis

SPAN = 60.0
"""Seconds shown."""
ROW = 0.096  # s that a row of the `speech` track stands for
_APART = 0.2  # s between two rows that belong to different stretches
_LANES = ("fused", "voice", "face", "speech")
_BLOCK = ("x", "width", "lane", "colour", "height", "hatch", "fill", "label", "p")


class Timeline(pn.viewable.Viewer):
    """Follows a running session; `show` draws its newest state."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._x = Range1d(0, SPAN)
        self._blocks, self._pitch, self._level, self._open = (ColumnDataSource() for _ in range(4))
        self.clear()
        legend = " ".join(
            f"<span style='white-space:nowrap'><i style='background:{c}'></i>{label}</span>" for label, c in EMOTION_COLOURS.items()
        )
        style = "display:flex;flex-wrap:wrap;gap:4px 14px;font-size:13px"
        css = "<style>i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:5px;vertical-align:-1px}</style>"
        self._layout = pn.Column(
            pn.pane.HTML(
                f"{css}<div style='{style}'>{legend}<span>{KEY}</span>"
                "<span>voice comes once a stretch of speech has ended; "
                "until then pitch and level are provisional: hollow dots, a thin line</span></div>",
                sizing_mode="stretch_width",
            ),
            pn.pane.Bokeh(self._emotions(), sizing_mode="stretch_width"),
            pn.pane.Bokeh(self._voice(), sizing_mode="stretch_width"),
            sizing_mode="stretch_width",
        )

    def _figure(self, height: int, **more: Any) -> Any:
        plot = plain(height, x_range=self._x, **more)
        plot.min_border_left, plot.min_border_right = 62, 48
        return plot

    def _emotions(self) -> Any:
        plot = self._figure(150, y_range=FactorRange(*reversed(_LANES)))
        plot.rect("x", "lane", "width", source=self._blocks, **BLOCK)
        plot.add_tools(HoverTool(tooltips=[("", "@label @p{0%}"), ("s", "@x{0.0}")]))
        plot.ygrid.visible = False
        plot.xaxis.visible = False
        return plot

    def _voice(self) -> Any:
        plot = self._figure(150, y_range=Range1d(60, 400), x_axis_label="s", y_axis_label="pitch, Hz")
        plot.extra_y_ranges = {"level": Range1d(-70, 0)}
        second_axis(plot, "level", "level, dBFS")
        for source, width, fill in ((self._level, 1.6, ACCENT), (self._open, 0.8, None)):
            plot.line("t", "level", source=source, y_range_name="level", line_color=INK, line_width=width)
            pitch = self._pitch if source is self._level else source
            plot.scatter("t", "pitch", source=pitch, size=4, line_color=ACCENT, line_width=0.8, fill_color=fill)
        return plot

    def clear(self) -> None:
        """Show nothing: a session begins."""
        self._blocks.data = {k: [] for k in _BLOCK}
        self._pitch.data = {"t": [], "pitch": []}
        self._level.data = {"t": [], "level": []}
        self._open.data = {"t": [], "pitch": [], "level": []}
        self._newest, self._provisional = -1.0, NONE

    def hear(self, voice: Track) -> None:
        """Draw provisional pitch and level (columns of `acoustics`)."""
        if voice is not self._provisional:
            self._provisional = voice
            apart = np.flatnonzero(np.diff(voice.times) > _APART) + 1  # segments are not joined by a line
            columns = {"t": voice.times, "pitch": voice.column("pitch"), "level": voice.column("intensity")}
            self._open.data = {k: np.insert(v, apart, v[apart] if k == "t" else np.nan) for k, v in columns.items()}

    def show(self, replay: Replay, speech: tuple[Floats, Floats], clock: float) -> None:
        """Draw the last minute.

        Parameters
        ----------
        replay : Replay
        speech : pair of ndarray
            Times (s) and probabilities of speech.
        clock : float
            Session second that is now.
        """
        start = max(0.0, clock - SPAN)
        self._x.update(start=start, end=start + SPAN)
        self._blocks.data = blocks(replay, speech, start)
        acoustics = replay.observations.acoustics
        fresh = acoustics.times > self._newest
        if fresh.any():
            self._newest = float(acoustics.times[-1])
            times, pitch, level = acoustics.times[fresh], acoustics.column("pitch")[fresh], acoustics.column("intensity")[fresh]
            step = max(1, round(0.04 / max(float(np.median(np.diff(times))), 1e-3))) if len(times) > 1 else 1
            self._pitch.stream({"t": times[::step], "pitch": pitch[::step]}, rollover=2500)
            gap = {"t": [float(times[0])], "level": [np.nan]}  # segments are not joined by a line
            self._level.stream(gap, rollover=2500)
            self._level.stream({"t": times[::step], "level": level[::step]}, rollover=2500)

    def __panel__(self) -> Any:
        return self._layout


def blocks(replay: Replay, speech: tuple[Floats, Floats], start: float) -> dict[str, Any]:
    """One block a window and lane: its colour is the label, its height the probability; hatched where uncertain."""
    fused = replay.fusion
    hop = replay.settings.fusion.hop
    rows: list[tuple[str, float, int, float]] = []  # lane, middle (s), label, probability
    for i in np.flatnonzero(fused.windows.end > start).tolist():
        x = float(fused.windows.start[i] + hop / 2)
        for lane, probs in (("face", fused.visual[i]), ("voice", fused.audio[i]), ("fused", fused.smoothed.probs[i])):
            if not np.isnan(probs).any():
                best = int(probs.argmax()) if lane != "fused" else int(fused.smoothed.label[i])
                rows.append((lane, x, best, float(probs[best])))
    labels, p = [BASIC[r[2]] for r in rows], np.array([r[3] for r in rows])
    out: dict[str, Any] = {"x": [r[1] for r in rows], "width": [hop] * len(rows), "lane": [r[0] for r in rows], "label": labels, "p": p}
    out |= {"colour": [EMOTION_COLOURS[n] for n in labels], **look(p, p < replay.settings.smoothing.uncertain)}
    times, probability = speech
    spoken = times[(times > start) & (probability >= 0.5)]
    for span in np.split(spoken, np.flatnonzero(np.diff(spoken) > 1.5 * ROW) + 1) if len(spoken) else []:
        first, last = float(span[0]), float(span[-1]) + ROW
        block = {"x": (first + last) / 2, "width": last - first, "lane": "speech", "label": "speech", "p": 1.0, "colour": INK, **WHOLE}
        out = {key: [*values, block[key]] for key, values in out.items()}
    return out
