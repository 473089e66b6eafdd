"""Emotion over time as the timeline draws it: probabilities, labels, doubt and the reason of every gap, cell by cell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.contracts import FusedWindow, Label
from workbench.fusion.windows import Grid, aggregate
from workbench.labels import BASIC
from workbench.report.data import ReportData, Span, cells
from workbench.report.svg import WIDTH, Scale
from workbench.report.wording import kind_of

COLUMNS = WIDTH // 2
"""Cells a row can show; more are averaged."""


@dataclass(frozen=True)
class Cell:
    """One drawn stretch: `probs` in `BASIC` order (NaN where masked), what it is called, and why it is masked."""

    span: Span
    probs: NDArray[np.float64]
    label: str = ""
    second: str = ""
    uncertain: bool = False
    reason: str = ""


def strip(material: ReportData, modality: str) -> list[Cell]:
    """A modality's cells, one a window: ``visual``, ``audio`` or ``fused``."""
    spans = cells(material.windows)
    dense = _dense(material, {"visual": "visual", "audio": "affect"}.get(modality, ""))
    out = []
    for i, (window, span) in enumerate(zip(material.windows, spans, strict=True)):
        if modality == "fused":
            out.append(_fused(window, span))
            continue
        label: Label | None = window.visual if modality == "visual" else window.audio
        if label is None:
            reason = window.missing.get(modality) or "not measured"
            out.append(Cell(span, np.full(len(BASIC), np.nan), reason=reason))
            continue
        known = dense is not None and np.isfinite(dense[i]).all()
        out.append(Cell(span, dense[i] if dense is not None and known else _alone(label), label.label))
    return out


def _fused(window: FusedWindow, span: Span) -> Cell:
    fused = window.fused_emotion
    if fused is None:
        reason = "; ".join(dict.fromkeys(window.missing.values())) or "nothing to fuse"
        return Cell(span, np.full(len(BASIC), np.nan), reason=reason)
    probs = np.array([fused.probs.get(c, 0.0) for c in BASIC]) if fused.probs else _alone(fused)
    second = next((name for name, _ in fused.top2 if name != fused.label), "")
    return Cell(span, probs, fused.label, second, fused.uncertain)


def _alone(label: Label) -> NDArray[np.float64]:
    """Where only the top class was stored, the rest stays blank."""
    return np.array([label.score if c == label.label else 0.0 for c in BASIC])


def _dense(material: ReportData, name: str) -> NDArray[np.float64] | None:
    """What a stored track says in each window, as fusion reads it; None where there is no such track."""
    track = material.tracks.get(name)
    if track is None or track.names != BASIC:
        return None
    windows = Grid(np.array([w.start for w in material.windows]), np.array([w.end for w in material.windows]))
    return aggregate(track, windows).values


def fit(items: list[Cell], scale: Scale) -> list[Cell]:
    """The cells inside `scale`; where they are narrower than 2 px, means and majorities of columns of them."""
    seen = [c for c in items if scale.holds(*c.span)]
    if len(seen) <= COLUMNS:
        return seen
    edges = np.linspace(scale.start, scale.end, COLUMNS + 1)
    where = np.clip(np.searchsorted(edges, [sum(c.span) / 2 for c in seen], side="right") - 1, 0, COLUMNS - 1)
    groups: dict[int, list[Cell]] = {}
    for column, cell in zip(where, seen, strict=True):
        groups.setdefault(int(column), []).append(cell)
    return [_merged((float(edges[k]), float(edges[k + 1])), group) for k, group in sorted(groups.items())]


def _merged(span: Span, group: list[Cell]) -> Cell:
    masked = [c for c in group if c.reason]
    if len(masked) * 2 > len(group):
        return Cell(span, np.full(len(BASIC), np.nan), reason=_most(c.reason for c in masked))
    kept = [c for c in group if not c.reason]
    probs = np.mean([c.probs for c in kept], axis=0)
    uncertain = sum(c.uncertain for c in kept) * 2 > len(kept)
    return Cell(span, probs, _most(c.label for c in kept), _most(c.second for c in kept) if uncertain else "", uncertain)


def _most(values: object) -> str:
    return Counter(values).most_common(1)[0][0]  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Run:
    """Neighbouring cells that say the same."""

    span: Span
    label: str
    second: str
    uncertain: bool
    reason: str


def runs(items: list[Cell]) -> list[Run]:
    """Merge touching cells of equal label, doubt and reason."""
    out: list[Run] = []
    for cell in items:
        run = Run(cell.span, cell.label, cell.second, cell.uncertain, cell.reason)
        last = out[-1] if out else None
        same = last is not None and (last.label, last.uncertain, kind_of(last.reason)) == (run.label, run.uncertain, kind_of(run.reason))
        if last is not None and same and cell.span[0] - last.span[1] < 1e-6:
            out[-1] = Run((last.span[0], cell.span[1]), last.label, last.second or run.second, last.uncertain, last.reason)
        else:
            out.append(run)
    return out
