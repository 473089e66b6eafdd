"""Live timelines: what face, voice and fusion say, speech, pitch and level, over the last minute."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, FactorRange, HoverTool, LinearAxis, Range1d
from bokeh.plotting import figure

from workbench.labels import BASIC
from workbench.sessions.replay import Replay
from workbench.speech.provisional import NONE
from workbench.streams import Floats, Track
from workbench.theme import ACCENT, EMOTION_COLOURS, INK

SPAN = 60.0
"""Seconds shown."""
ROW = 0.096  # s that a row of the `speech` track stands for
_APART = 0.2  # s between two rows that belong to different stretches
_LANES = ("fused", "voice", "face", "speech")
_BLOCK = ("x", "width", "lane", "colour", "alpha", "label", "p")


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
                f"{css}<div style='{style}'>{legend}<span>pale: uncertain</span>"
                "<span>voice comes once a stretch of speech has ended; until then pitch and level are provisional, and pale</span></div>",
                sizing_mode="stretch_width",
            ),
            pn.pane.Bokeh(self._emotions(), sizing_mode="stretch_width"),
            pn.pane.Bokeh(self._voice(), sizing_mode="stretch_width"),
            sizing_mode="stretch_width",
        )

    def _figure(self, height: int, **more: Any) -> Any:
        plot = figure(height=height, x_range=self._x, sizing_mode="stretch_width", toolbar_location=None, tools="", **more)
        plot.background_fill_alpha = plot.border_fill_alpha = 0
        plot.outline_line_alpha = 0.2
        plot.grid.grid_line_alpha = 0.15
        plot.axis.axis_label_text_color = plot.axis.major_label_text_color = INK
        plot.axis.axis_line_color = plot.axis.major_tick_line_color = plot.axis.minor_tick_line_color = INK
        plot.axis.major_label_text_font_size = "12px"
        plot.min_border_left, plot.min_border_right = 62, 48
        return plot

    def _emotions(self) -> Any:
        plot = self._figure(150, y_range=FactorRange(*reversed(_LANES)))
        plot.rect("x", "lane", "width", 0.8, source=self._blocks, fill_color="colour", fill_alpha="alpha", line_color=None)
        plot.add_tools(HoverTool(tooltips=[("", "@label @p{0%}"), ("s", "@x{0.0}")]))
        plot.ygrid.visible = False
        plot.xaxis.visible = False
        return plot

    def _voice(self) -> Any:
        plot = self._figure(150, y_range=Range1d(60, 400), x_axis_label="s", y_axis_label="pitch, Hz")
        plot.extra_y_ranges = {"level": Range1d(-70, 0)}
        axis = LinearAxis(y_range_name="level", axis_label="level, dBFS")
        axis.axis_label_text_color = axis.major_label_text_color = axis.axis_line_color = axis.major_tick_line_color = INK
        axis.minor_tick_line_color = None
        plot.add_layout(axis, "right")
        for source, alpha in ((self._level, 1.0), (self._open, 0.45)):
            plot.line("t", "level", source=source, y_range_name="level", line_color=INK, line_width=1.5, line_alpha=alpha)
        for source, alpha in ((self._pitch, 1.0), (self._open, 0.45)):
            plot.scatter("t", "pitch", source=source, size=4, color=ACCENT, alpha=alpha)
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
    """One coloured block a window and lane: colour is the label, opacity its probability, pale where uncertain."""
    fused = replay.fusion
    rows = np.flatnonzero(fused.windows.end > start)
    hop = replay.settings.fusion.hop
    out: dict[str, list[Any]] = {k: [] for k in _BLOCK}

    def add(lane: str, x: float, width: float, label: str, p: float, alpha: float) -> None:
        for key, value in zip(out, (x, width, lane, EMOTION_COLOURS.get(label, INK), alpha, label, p), strict=True):
            out[key].append(value)

    for i in rows.tolist():
        x = float(fused.windows.start[i] + hop / 2)
        for lane, probs in (("face", fused.visual[i]), ("voice", fused.audio[i]), ("fused", fused.smoothed.probs[i])):
            if np.isnan(probs).any():
                continue
            best = int(probs.argmax()) if lane != "fused" else int(fused.smoothed.label[i])
            uncertain = probs[best] < replay.settings.smoothing.uncertain
            add(lane, x, hop, BASIC[best], float(probs[best]), 0.25 if uncertain else 0.35 + 0.6 * float(probs[best]))
    times, probability = speech
    spoken = times[(times > start) & (probability >= 0.5)]
    for span in np.split(spoken, np.flatnonzero(np.diff(spoken) > 1.5 * ROW) + 1) if len(spoken) else []:
        first, last = float(span[0]), float(span[-1]) + ROW
        add("speech", (first + last) / 2, last - first, "speech", 1.0, 0.7)
    return out
