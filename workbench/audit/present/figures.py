"""The accuracy-gap picture as inline SVG: no script, readable in light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

if TYPE_CHECKING:
    import pandas as pd

WIDTH, HEIGHT = 720, 400
LETTER = 6.3  # px, about the mean width of a letter
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 14, 46  # px kept for the axes


def frontier(costs: pd.DataFrame) -> Markup:
    """Points with the interval of both figures; up and to the left is better."""
    x = _Scale(costs, ("gap", "gap_low", "gap_high"), LEFT, WIDTH - RIGHT)
    y = _Scale(costs, ("accuracy", "low", "high"), HEIGHT - BOTTOM, TOP)
    body = [_axis("x", x), _axis("y", y)]
    rows = costs.sort_values("frontier", ascending=False).to_dict("records")
    edge = sorted((r["gap"], r["accuracy"]) for r in rows if r["frontier"])
    if len(edge) > 1:
        body.append(Markup('<polyline class="edge" points="{}"/>').format(" ".join(f"{x(g):.1f},{y(a):.1f}" for g, a in edge)))
    dots = {(x(r["gap"]), y(r["accuracy"])) for r in rows}
    taken: list[tuple[float, float, float]] = []
    seen: set[tuple[float, float]] = set()
    for number, r in enumerate(rows, start=1):  # noqa: B007
        at, up = x(r["gap"]), y(r["accuracy"])
        name = f"{r['strategy']} ({r['modalities']}): accuracy {r['accuracy']:.3f} [{r['low']:.3f}, {r['high']:.3f}], "
        name += f"largest gap {r['gap']:.3f} [{r['gap_low']:.3f}, {r['gap_high']:.3f}]"
        lines = Markup('<path class="reach" opacity="{}" d="M{:.1f} {:.1f}H{:.1f}M{:.1f} {:.1f}V{:.1f}"/>').format(
            0.8 if r["frontier"] else 0.25, x(r["gap_low"]), up, x(r["gap_high"]), at, y(r["low"]), y(r["high"])
        )
        dot = Markup('<circle class="dot{}" cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}</title></circle>').format(
            " best" if r["frontier"] else "", at, up, 6 if r["frontier"] else 4.5, name
        )
        body.append(Markup("<g>{}{}</g>").format(lines, dot))
        name = f"{r['strategy'].replace('_', ' ')}, {r['modalities']}"
        spots = [(at + dx, up + dy, anchor) for anchor, dx in (("start", 9), ("end", -9)) for dy in (-7, 4, 16)]
        boxes = [(a if anchor == "start" else a - LETTER * len(name), b, LETTER * len(name), anchor, a) for a, b, anchor in spots]
        free = [box for box in boxes if _has_room(box[:3], dots, taken)]
        if free and (at, up) not in seen:  # the table under the picture names those that have no room
            taken.append(free[0][:3])
            text = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
            body.append(text.format(free[0][4], free[0][1], free[0][3], name))
        seen.add((at, up))
    label = "Accuracy against the largest gap between groups; the frontier is marked"
    head = Markup(
        '<div class="scroll"><svg viewBox="0 0 {} {}" width="{}" style="max-width:100%;min-width:520px" role="img" aria-label="{}">'
    )
    return head.format(WIDTH, HEIGHT, WIDTH, label) + Markup("").join(body) + Markup("</svg></div>")


def _has_room(box: tuple[float, float, float], dots: set[tuple[float, float]], taken: list[tuple[float, float, float]]) -> bool:
    """Whether a line of text (left, base line, width; px) stays in the picture and touches no dot and no other text."""
    left, base, width = box
    if left < LEFT or left + width > WIDTH:
        return False
    covers = any(left - 6 < a < left + width + 6 and base - 14 < b < base + 6 for a, b in dots)
    return not covers and not any(left < a + w and a < left + width and abs(base - b) < 13 for a, b, w in taken)


class _Scale:
    """Values to px over the range of figures and their intervals."""

    def __init__(self, costs: pd.DataFrame, columns: tuple[str, str, str], start: float, end: float) -> None:
        middle, low, high = (costs[c].to_numpy(dtype=float) for c in columns)
        # one endless interval must not press all points into a corner
        self.low = float(max(np.nanmin(low), 0))
        self.high = float(min(np.nanmax(high), 2.2 * np.nanmax(middle), 1.0))
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = np.clip((value - self.low) / max(self.high - self.low, 1e-9), 0, 1)
        return float(self.start + share * (self.end - self.start))


def _axis(side: str, scale: _Scale) -> Markup:
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if (scale.high - scale.low) / s <= 8)
    parts = []
    for value in np.arange(np.ceil(scale.low / step) * step, scale.high + 1e-9, step):
        at = scale(float(value))
        if side == "x":
            line, place = (at, TOP, at, HEIGHT - BOTTOM), (at, HEIGHT - BOTTOM + 16, "middle")
        else:
            line, place = (LEFT, at, WIDTH - RIGHT, at), (LEFT - 7, at + 4, "end")  # type: ignore[assignment]
        parts.append(Markup('<line class="grid" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(*line))
        parts.append(Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{:.2f}</text>').format(*place, value))
    if side == "x":
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="middle">largest gap between groups</text>').format((LEFT + WIDTH) / 2, HEIGHT - 8)
        )
    else:
        parts.append(Markup('<text transform="translate(14 {}) rotate(-90)" text-anchor="middle">accuracy</text>').format(HEIGHT / 2))
    return Markup("").join(parts)
