"""All tracks of a stored session on one time axis, thinned on the server for the range in view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import panel as pn
from bokeh.layouts import column
from bokeh.models import (
    AdaptiveTicker,
    ColumnDataSource,
    CustomJSTickFormatter,
    FactorRange,
    HBar,
    HoverTool,
    Line,
    Range1d,
    Scatter,
)  # fmt: skip

from workbench.labels import BASIC
from workbench.sessions.overview import SCORES, Overview, runs, thin
from workbench.streams import Floats, Track
from workbench.theme import ACCENT, EMOTION_COLOURS, ERROR, INK, MARK, SCORE_COLOURS
from workbench.views.charts import BLOCK, KEY, WHOLE, look, plain, second_axis

POINTS = 600
"""Rows of a curve, and blocks of a lane, that are sent for one screen width."""
_THIN, _BROAD = {"line_width": 0.8}, {"line_width": 2.0}
"""The other settings' curves, and those of now (dashes take ten times as long to draw)."""
_LANES = ("events", "question", "speech", "faces", "face", "voice", "fused")
_CLOCK = """const s = Math.max(0, tick), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60, r = Math.round((s % 60) * 10) / 10;
const two = x => String(x).padStart(2, '0'); const sec = (r % 1 ? r.toFixed(1) : String(r)).padStart(r % 1 ? 4 : 2, '0');
return h ? h + ':' + two(m) + ':' + sec : m + ':' + sec"""
Block = tuple[float, float, str]


@dataclass(frozen=True)
class Marks:
    """What is drawn as it is: spans (start, end, text) of speech and answers, reviewed labels, and events (s, text)."""

    speech: Sequence[Block] = ()
    questions: Sequence[Block] = ()
    reviewed: Sequence[Block] = ()
    events: Sequence[tuple[float, str]] = field(default_factory=tuple)


class ReviewTimeline(pn.viewable.Viewer):
    """Figures one below the other with one range; `show` draws, and moving the range thins anew.

    Parameters
    ----------
    duration : float
        Seconds.
    """

    def __init__(self, duration: float, **params: Any) -> None:
        super().__init__(**params)
        self._duration = max(duration, 1.0)
        self.now: Overview | None = None
        self.before: Overview | None = None
        self._acoustics: Track | None = None
        self._marks = Marks()
        self._compare, self._waiting = True, False
        self._sent: dict[str, tuple[Any, ...]] = {}
        self.x = Range1d(0, self._duration, name="review-range", bounds=(0, self._duration), min_interval=0.5)
        empty: dict[str, list[Any]] = {k: [] for k in ("left", "right", "lane", "colour", "text", *WHOLE)}
        self._blocks = ColumnDataSource(data=empty)
        self._events = ColumnDataSource(data={"t": [], "lane": [], "text": []})
        self._curves = {k: ColumnDataSource(data=_none(BASIC), name=f"review-{k}") for k in ("now", "before")}
        self._scores = {k: ColumnDataSource(data=_none(SCORES)) for k in ("now", "before")}
        self._voice = ColumnDataSource(data={"t": [], "pitch": [], "intensity": []})
        self._lanes = FactorRange(*_LANES)
        figures = [self._labels(), self._emotions(), self._sound(), self._running()]
        self._layout = pn.pane.Bokeh(column(*figures, sizing_mode="stretch_width", spacing=2), sizing_mode="stretch_width")
        for edge in ("start", "end"):
            self.x.on_change(edge, self._moved)

    # ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _figure(self, height: int, last: bool = False, **more: Any) -> Any:
        plot = plain(height, x_range=self.x, **more)
        plot.min_border_left, plot.min_border_right, plot.min_border_top, plot.min_border_bottom = 66, 48, 2, 2
        plot.xaxis.visible = last
        plot.xaxis.ticker = AdaptiveTicker(base=60, mantissas=[1, 2, 5, 10, 15, 30], desired_num_ticks=7)
        plot.xaxis.formatter = CustomJSTickFormatter(code=_CLOCK)
        return plot

    def _labels(self) -> Any:
        plot = self._figure(164, y_range=self._lanes, name="review-plot")
        bar = HBar(y="lane", left="left", right="right", **BLOCK)
        bars = plot.add_glyph(self._blocks, bar)
        marks = plot.add_glyph(self._events, Scatter(x="t", y="lane", size=9, marker="triangle", fill_color=ERROR, line_color=None))
        plot.add_tools(HoverTool(tooltips=[("", "@text")], renderers=[bars, marks], point_policy="follow_mouse"))
        plot.ygrid.visible = False
        return plot

    def _emotions(self) -> Any:
        plot = self._figure(122, y_range=Range1d(0, 1), y_axis_label="fused p")
        for name in BASIC:
            plot.add_glyph(self._curves["before"], Line(x="t", y=name, line_color=EMOTION_COLOURS[name], **_THIN))
            plot.add_glyph(self._curves["now"], Line(x="t", y=name, line_color=EMOTION_COLOURS[name], **_BROAD))
        plot.yaxis.ticker = [0, 0.5, 1]
        return plot

    def _sound(self) -> Any:
        plot = self._figure(100, y_range=Range1d(60, 400), y_axis_label="pitch, Hz")
        self._level = Range1d(0, 90)
        plot.extra_y_ranges = {"level": self._level}
        second_axis(plot, "level", "energy, dB")
        level = plot.add_glyph(self._voice, Line(x="t", y="intensity", line_color=INK, line_width=1))
        level.y_range_name = "level"
        plot.add_glyph(self._voice, Scatter(x="t", y="pitch", size=3, fill_color=ACCENT, line_color=None))
        plot.yaxis.ticker = AdaptiveTicker(desired_num_ticks=3)
        return plot

    def _running(self) -> Any:
        plot = self._figure(112, last=True, y_range=Range1d(0, 100), y_axis_label="scores")
        for name in SCORES:
            plot.add_glyph(self._scores["before"], Line(x="t", y=name, line_color=SCORE_COLOURS[name], **_THIN))
            plot.add_glyph(self._scores["now"], Line(x="t", y=name, line_color=SCORE_COLOURS[name], **_BROAD))
        plot.yaxis.ticker = [0, 50, 100]
        return plot

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def show(
        self, now: Overview | None, before: Overview | None = None, acoustics: Track | None = None, marks: Marks | None = None
    ) -> None:
        """Draw these windows, and others to compare them with; acoustics and marks stay where none are given."""
        if now and self.now and _same(now.running, self.now.running):
            now = replace(now, running=self.now.running)  # known to be drawn: fusion moves no score
        self.now, self.before = now, before
        if acoustics is not None:
            self._acoustics = acoustics
            level = acoustics.column("intensity") if "intensity" in acoustics.names else np.empty(0)
            if np.isfinite(level).any():
                low, high = np.nanpercentile(level, [1, 99])
                self._level.update(start=float(low) - 5, end=float(high) + 5)
        self._marks = marks or self._marks
        self.draw()

    def compare(self, on: bool) -> None:
        """Show or hide the other windows."""
        self._compare = on
        self.draw()

    def _moved(self, attr: str, old: Any, new: Any) -> None:
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            return self.draw()
        if not self._waiting:  # a wheel gives dozens of positions: the newest counts
            self._waiting = True
            document.add_timeout_callback(self._settled, 40)
        return None

    def _settled(self) -> None:
        self._waiting = False
        self.draw()

    def draw(self) -> None:
        """Send what the range in view needs, and as much on both sides of it."""
        width = self.x.end - self.x.start
        start, end = max(0.0, self.x.start - width), min(self._duration, self.x.end + width)
        points = max(2, round(POINTS * (end - start) / max(width, 1e-9)))
        before = self.before if self._compare else None
        span = (start, end, points)
        with pn.io.hold():
            if self._fresh("lanes", span, self.now, before, self._marks):
                self._draw_lanes(before, start, end, points)
            for key, windows in (("now", self.now), ("before", before)):
                if self._fresh(key, span, windows):
                    self._curves[key].data = _columns(BASIC, windows.middle, windows.probs, start, end, points) if windows else _none(BASIC)
                if self._fresh(f"scores {key}", span, windows and windows.running):
                    self._scores[key].data = _running(windows, start, end, points) if windows else _none(SCORES)
            if self._acoustics is not None and len(self._acoustics) and self._fresh("voice", span, self._acoustics):
                names = ("pitch", "intensity")
                values = np.column_stack([self._acoustics.column(n) for n in names])
                self._voice.data = _columns(names, self._acoustics.times, values, start, end, points)

    def _fresh(self, what: str, *drawn: Any) -> bool:
        """Whether something else is to be drawn than was sent last; remembers it."""
        same = len(drawn) == len(self._sent.get(what, ())) and all(
            a is b or (isinstance(a, tuple) and a == b) for a, b in zip(drawn, self._sent[what], strict=True)
        )
        self._sent[what] = drawn
        return not same

    def _draw_lanes(self, before: Overview | None, start: float, end: float, points: int) -> None:
        out: dict[str, list[Any]] = {k: [] for k in self._blocks.data}

        def add(lane: str, left: Any, right: Any, colour: list[str], text: list[str], drawn: dict[str, Any]) -> None:
            columns = {"left": left, "right": right, "lane": [lane] * len(text), "colour": colour, "text": text} | drawn
            for key, values in out.items():
                values.extend(columns[key])

        def whole(blocks: Sequence[Any]) -> dict[str, Any]:
            return {key: [value] * len(blocks) for key, value in WHOLE.items()}

        now, lanes = self.now, list(_LANES)
        shown = [("fused", now, now.fused), ("voice", now, now.audio), ("face", now, now.visual)] if now else []
        if before:
            lanes.append("other")
            shown.append(("other", before, before.fused))
        for lane, windows, labels in shown:
            hop = float(np.median(np.diff(windows.start))) if len(windows) > 1 else 1.0
            r = runs(labels, windows.middle, hop, start, end, points // 2)
            names = [BASIC[i] for i in r["label"]]
            text = [
                f"{lane}: {'uncertain, ' * bool(u)}{n} {p:.0%}" for n, p, u in zip(names, r["p"], r["uncertain"], strict=True)
            ]  # fmt: skip
            add(lane, r["left"], r["right"], [EMOTION_COLOURS[n] for n in names], text, look(r["p"], r["uncertain"]))
        if now:
            left, right = _stretches(now.face, now.start, now.end, start, end)
            add("faces", left, right, [INK] * len(left), ["a face is in the picture"] * len(left), whole(left))
        for lane, blocks, colour in (
            ("speech", self._marks.speech, ACCENT), ("question", self._marks.questions, MARK),
            ("reviewed", self._marks.reviewed, ERROR),
        ):  # fmt: skip
            inside = [b for b in blocks if b[1] >= start and b[0] <= end]
            texts = [f"{lane}: {b[2]}" if b[2] else lane for b in inside]
            drawn = whole(inside)
            if lane == "question":  # answers that touch stay apart
                drawn["height"] = [0.7 - 0.2 * (i % 2) for i in range(len(inside))]
            add(lane, [b[0] for b in inside], [b[1] for b in inside], [colour] * len(inside), texts, drawn)
        if self._marks.reviewed:
            lanes.append("reviewed")
        if lanes != list(self._lanes.factors):
            self._lanes.factors = lanes
        numbers = {k: np.asarray(out[k], np.float64) for k in ("left", "right", "height", "fill")}  # sent as bytes
        self._blocks.data = out | numbers
        events = [e for e in self._marks.events if start <= e[0] <= end]
        self._events.data = {"t": [e[0] for e in events], "lane": ["events"] * len(events), "text": [e[1] for e in events]}

    def __panel__(self) -> Any:
        return self._layout


def legend() -> str:
    """What the colours are, as HTML."""

    def chip(name: str, colour: str) -> str:
        return f"<span style='white-space:nowrap'><i style='display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:4px;background:{colour}'></i>{name}</span>"  # noqa: E501

    chips = " ".join(chip(n, c) for n, c in EMOTION_COLOURS.items()) + " <span style='color:var(--soft)'>| scores so far:</span> "
    chips += " ".join(chip(n, c) for n, c in SCORE_COLOURS.items())
    return f"<div style='display:flex;flex-wrap:wrap;gap:3px 12px;font-size:12px'>{chips}<span>{KEY}</span><span>thin: the other settings</span></div>"  # noqa: E501


def _same(a: dict[str, Floats], b: dict[str, Floats]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n], equal_nan=True) for n in a)


def _running(windows: Overview, start: float, end: float, points: int) -> dict[str, Any]:
    """Scores so far, 0 to 100."""
    scores = 100 * np.column_stack([windows.running.get(n, np.full(len(windows), np.nan)) for n in SCORES])
    return _columns(SCORES, windows.middle, scores, start, end, points)


def _none(names: Sequence[str]) -> dict[str, Any]:
    return {n: [] for n in ("t", *names)}


def _columns(names: Sequence[str], times: Floats, values: Floats, start: float, end: float, points: int) -> dict[str, Any]:
    t, v = thin(times, values, start, end, points)
    return {"t": t} | {n: v[:, i].astype(np.float32) for i, n in enumerate(names)}


def _stretches(flags: Any, left: Floats, right: Floats, start: float, end: float) -> tuple[list[float], list[float]]:
    """Spans of windows in a row that are true, within a range."""
    low, high = np.searchsorted(left, start), np.searchsorted(left, end, "right")
    low = np.maximum(0, low - 1)
    edges = np.diff(np.concatenate([[0], flags[low:high].astype(np.int8), [0]]))
    first, last = np.flatnonzero(edges == 1) + low, np.flatnonzero(edges == -1) - 1 + low
    return left[first].tolist(), right[last].tolist()
