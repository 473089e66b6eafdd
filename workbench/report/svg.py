"""The few SVG shapes that the timeline is drawn with. Colours live in the style sheet, so that dark mode reaches them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from workbench.report.wording import clock

WIDTH = 1104
"""px of every row; a narrow screen scrolls over it."""
CHARACTER = 6.3
"""px that one character of a label takes at most, at the 11 px of the style sheet."""


@dataclass(frozen=True)
class Scale:
    """Maps session time to the row's x axis."""

    start: float
    end: float

    def x(self, t: float) -> float:
        return round((t - self.start) / (self.end - self.start) * WIDTH, 1)

    def box(self, start: float, end: float) -> tuple[float, float]:
        """Left edge and width of a span, clipped to the row and at least 1 px wide."""
        left, right = self.x(max(start, self.start)), self.x(min(end, self.end))
        return left, round(max(right - left, 1.0), 1)

    def holds(self, start: float, end: float) -> bool:
        return start < self.end and end > self.start


def figure(height: int, body: Iterable[Markup], label: str) -> Markup:
    """A row: an image to assistive technology, described by `label`."""
    head = Markup('<svg class="row" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">')
    return head.format(WIDTH, height, WIDTH, height, label) + Markup("").join(body) + Markup("</svg>")


def rect(css: str, x: float, y: float, width: float, height: float, title: str = "") -> Markup:
    shape = Markup('<rect class="{}" x="{:g}" y="{:g}" width="{:g}" height="{:g}"').format(css, x, y, width, height)
    return shape + (Markup("><title>{}</title></rect>").format(title) if title else Markup("/>"))


def path(css: str, d: str) -> Markup:
    return Markup('<path class="{}" d="{}"/>').format(css, d) if d else Markup("")


def text(css: str, x: float, y: float, content: str) -> Markup:
    return Markup('<text class="{}" x="{:g}" y="{:g}">{}</text>').format(css, x, y, content)


def fitted(css: str, x: float, y: float, width: float, *choices: str) -> Markup:
    """The first of `choices` that fits into `width`, left-aligned with a small margin; nothing where none does."""
    for choice in choices:
        if choice and len(choice) * CHARACTER + 8 <= width:
            return text(css, x + 4, y, choice)
    return Markup("")


def shortened(content: str, width: float) -> str:
    """`content` cut with an ellipsis so that it fits into `width`."""
    room = int((width - 8) / CHARACTER)
    return content if len(content) <= room else (content[: room - 1].rstrip() + "…" if room >= 4 else "")


def image(x: float, y: float, width: float, height: float, source: str, title: str) -> Markup:
    shape = '<image x="{:g}" y="{:g}" width="{:g}" height="{:g}" preserveAspectRatio="xMidYMid slice" href="{}"><title>{}</title></image>'
    return Markup(shape).format(x, y, width, height, source, title)


def steps(edges: Sequence[tuple[float, float]], heights: NDArray[np.float64], base: float) -> str:
    """An area under touching steps: `edges` are (left, right) in px, `heights` px above `base`; NaN leaves a gap."""
    parts: list[str] = []
    last: float | None = None
    for (left, right), h in zip(edges, heights, strict=True):
        if not np.isfinite(h):
            if last is not None:
                parts.append(f"V{base:g}Z")
            last = None
            continue
        if last is None or left > last + 0.6:
            parts.append((f"V{base:g}Z" if last is not None else "") + f"M{left:g} {base:g}")
        parts.append(f"V{base - h:.1f}H{right:g}")
        last = right
    return "".join(parts) + (f"V{base:g}Z" if last is not None else "")


def line(xs: NDArray[np.float64], ys: NDArray[np.float64], reach: float) -> str:
    """A line through finite points; steps longer than `reach` px break it."""
    parts: list[str] = []
    previous: float | None = None
    for x, y in zip(xs, ys, strict=True):
        if not np.isfinite(y):
            previous = None
            continue
        joined = previous is not None and x - previous <= reach
        # a lone point still shows as a dot: zero-length lines have round caps
        parts.append(f"L{x:.1f} {y:.1f}" if joined else f"M{x:.1f} {y:.1f}h0")
        previous = x
    return "".join(parts)


def ticks(scale: Scale) -> list[float]:
    """Round times for the axis, about ten of them."""
    span = scale.end - scale.start
    step = next((s for s in (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600) if span / s <= 12), 7200.0)
    first = np.ceil(scale.start / step) * step
    return [float(t) for t in np.arange(first, scale.end + 1e-6, step)]


def axis(scale: Scale) -> Markup:
    """Times along the row."""
    body = []
    for t in ticks(scale):
        x = scale.x(t)
        name = clock(t, 1 if t % 1 else 0)
        anchor = "end" if x > WIDTH - 24 else "start" if x < 12 else "middle"
        label = Markup('<text class="axis" x="{:g}" y="17" text-anchor="{}">{}</text>').format(x, anchor, name)
        body += [path("tick", f"M{x:g} 0v5"), label]
    return figure(22, body, escape(f"Time axis from {clock(scale.start, 0)} to {clock(scale.end, 0)}"))
