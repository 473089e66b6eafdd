"""The timeline picture: emotion over time cell by cell, and rows of SVG over one time axis with titles that stay in view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from workbench.contracts import FusedWindow, Label
from workbench.fusion.windows import Grid, aggregate
from workbench.labels import BASIC
from workbench.report import svg
from workbench.report.data import ReportData, Span, cells
from workbench.report.svg import WIDTH, Scale
from workbench.report.wording import clock, count, kind_of, switched_off
from workbench.streams import Track

LAYERS = ("neutral", "happy", "surprise", "sad", "fear", "angry", "disgust")
"""The ribbons' classes from the bottom up."""
WHOLE = 150.0
"""s; a longer session gets an overview and parts."""
_RIBBON, _STRIP = 64, 18
COLUMNS = WIDTH // 2
"""Cells a row can show; more are averaged."""


@dataclass(frozen=True)
class Row:
    """One line of the timeline: `mark` is a warning beside the title."""

    title: str
    note: str
    picture: Markup
    mark: str = ""


@dataclass(frozen=True)
class Part:
    """A stretch of the session with all its rows."""

    title: str
    rows: list[Row]
    axis: Markup


def parts(material: ReportData, layers: dict[str, list[Cell]], stills: list[tuple[float, str]]) -> list[Part]:
    """The overview, then the parts of a session too long to be read in it.

    Parameters
    ----------
    material : ReportData
    layers : dict
        Cells of ``visual``, ``audio`` and ``fused``, see `strip`.
    stills : list of (time in s, data URI)
        Pictures for the filmstrip of the overview.
    """
    if material.duration <= 0:
        return []
    out = [_part(material, layers, Scale(0.0, material.duration), "Whole session", stills)]
    if material.duration > WHOLE:
        length = next((s for s in (60, 120, 300, 600) if material.duration / s <= 24), 1200)
        for start in np.arange(0, material.duration, length):
            end = min(start + length, material.duration)
            if end - start > 1:
                scale = Scale(float(start), float(start + length))
                out.append(_part(material, layers, scale, f"{clock(start, 0)} to {clock(end, 0)}", []))
    return out


def _part(material: ReportData, layers: dict[str, list[Cell]], scale: Scale, title: str, stills: list[tuple[float, str]]) -> Part:
    makers: list[Callable[[], Row | None]] = [
        lambda: _stills(stills, scale),
        lambda: _questions(material, scale),
        lambda: _ribbon("Face emotion", "visual", "", layers["visual"], scale, material),
        lambda: _ribbon("Voice affect", "audio", "unvalidated", layers["audio"], scale, material),
        lambda: _ribbon("Fused emotion", "fused", "", layers["fused"], scale, material),
        lambda: _speech(material, scale),
        lambda: _curve(material, scale, "Pitch", "pitch", "Hz"),
        lambda: _curve(material, scale, "Energy", "intensity", "dB"),
        lambda: _words(material, scale),
    ]
    return Part(title, [row for make in makers if (row := make()) is not None], svg.axis(scale))


def _stills(stills: list[tuple[float, str]], scale: Scale) -> Row | None:
    if not stills:
        return None
    width = WIDTH / len(stills)
    body = [svg.image(round(i * width, 1), 0, round(width - 2, 1), 62, uri, clock(t)) for i, (t, uri) in enumerate(stills)]
    return Row("Frames", "one from the middle of each stretch", svg.figure(62, body, f"{count(len(stills), 'frame')} of the video"))


def _questions(material: ReportData, scale: Scale) -> Row | None:
    if not material.replies:
        return None
    body, names = [], material.questions
    for i, answer in enumerate(material.replies):
        if not scale.holds(answer.start, answer.end):
            continue
        x, width = scale.box(answer.start, answer.end)
        question = names.get(answer.question_id, answer.question_id)
        title = f"{question} – answer {clock(answer.start)} to {clock(answer.end)}"
        body.append(svg.rect(f"question q{i % 2}", x, 1, width, 22, title))
        body.append(svg.fitted("on-question", x, 16, width, svg.shortened(f"{i + 1}. {question}", width), str(i + 1)))
    spans = (f"{names.get(a.question_id, a.question_id)} {clock(a.start)} to {clock(a.end)}" for a in material.replies)
    label = "Answers: " + "; ".join(spans)
    return Row("Answers", "the stretch of each question's answer", svg.figure(24, body, label))


def _ribbon(title: str, modality: str, mark: str, items: list[Cell], scale: Scale, material: ReportData) -> Row | None:
    channel = {"visual": "visual_emotion", "audio": "prosodic_affect"}.get(modality, "")
    off = material.header.disabled.get(channel)
    if off:
        body = [svg.rect("masked", 0, 0, WIDTH, 28), svg.fitted("on-mask", 0, 18, WIDTH, svg.shortened(switched_off(off), WIDTH))]
        return Row(title, "switched off", svg.figure(28, body, f"{title}: switched off. {switched_off(off)}"), mark)
    if not items or not material.reads_emotion:
        return None
    shown = fit(items, scale)
    edges = [(scale.x(max(c.span[0], scale.start)), scale.x(min(c.span[1], scale.end))) for c in shown]
    body = [svg.rect("ground", 0, 0, WIDTH, _RIBBON)]
    order = [BASIC.index(name) for name in LAYERS]
    tops = np.cumsum(np.array([c.probs for c in shown]).reshape(-1, len(BASIC))[:, order], axis=1)
    for k in reversed(range(len(LAYERS))):  # the highest layer first: lower ones are painted over it
        body.append(svg.path(f"e-{LAYERS[k]}", svg.steps(edges, np.minimum(tops[:, k], 1) * _RIBBON, _RIBBON)))
    for run in runs(shown):
        x, width = scale.box(*run.span)
        times = f"{clock(run.span[0])} to {clock(run.span[1])}"
        if run.reason:
            body.append(svg.rect("masked", x, 0, width, _RIBBON + _STRIP, f"{times}: {run.reason}"))
            body.append(
                svg.fitted("on-mask", x, _RIBBON / 2 + 4, width, run.reason, svg.shortened(run.reason, width) if width > 80 else "")
            )
        elif run.uncertain:
            said = f"{run.label} or {run.second}" if run.second else run.label
            body.append(svg.rect("doubt", x, 0, width, _RIBBON, f"{times}: uncertain, {said}"))
            body.append(svg.rect("label doubted", x, _RIBBON, width, _STRIP, f"{times}: uncertain, {said}"))
            body.append(svg.fitted("on-label", x, _RIBBON + 13, width, f"? {said}", f"? {run.label}", "?"))
        else:
            body.append(svg.rect(f"label l-{run.label}", x, _RIBBON, width, _STRIP, f"{times}: {run.label}"))
            body.append(svg.fitted("on-label", x, _RIBBON + 13, width, run.label))
    note = "share of each class, label below" if modality == "fused" else "share of each class"
    return Row(title, note, svg.figure(_RIBBON + _STRIP, body, _spoken(title, items, scale)), mark)


def _spoken(title: str, items: list[Cell], scale: Scale) -> str:
    """The ribbon in words, for those who cannot see it."""
    seconds: dict[str, float] = {}
    for c in items:
        if scale.holds(*c.span):
            key = "not available" if c.reason else "uncertain" if c.uncertain else c.label
            seconds[key] = seconds.get(key, 0.0) + c.span[1] - c.span[0]
    listed = ", ".join(f"{name} {value:.1f} s" for name, value in sorted(seconds.items(), key=lambda item: -item[1]))
    return f"{title}: {listed or 'nothing'}"


def _speech(material: ReportData, scale: Scale) -> Row | None:
    segments = material.segments or material.transcripts
    if not segments:
        return None
    floor = material.settings.fusion.low_snr_db
    body = [svg.rect("ground", 0, 0, WIDTH, 20)]
    for s in segments:
        if scale.holds(s.start, s.end):
            x, width = scale.box(s.start, s.end)
            snr = "" if s.snr_db is None else f", SNR {s.snr_db:.0f} dB"
            noisy = s.snr_db is not None and s.snr_db < floor
            body.append(svg.rect("speech noisy" if noisy else "speech", x, 2, width, 16, f"{clock(s.start)} to {clock(s.end)}{snr}"))
            body.append(svg.fitted("on-speech", x, 14, width, f"{s.snr_db:.0f} dB" if s.snr_db is not None else ""))
    label = f"Speech activity: {count(len(segments), 'segment')}"
    return Row("Speech", f"voice activity; hatched where SNR is under {floor:.0f} dB", svg.figure(20, body, label))


def _curve(material: ReportData, scale: Scale, title: str, name: str, unit: str) -> Row | None:
    track = material.tracks.get("acoustics")
    if track is None or name not in track.names or not len(track):
        return None
    every = track.column(name)
    every = every[np.isfinite(every)]
    if not len(every):
        return Row(title, "not measured", svg.figure(20, [svg.rect("masked", 0, 0, WIDTH, 20)], f"{title}: not measured"))
    low, high = np.percentile(every, [1, 99])
    if high - low < 1e-9:
        low, high = low - 1, high + 1
    seen = track.slice(scale.start, scale.end)
    xs, values = _thinned(seen, name, scale)
    height = 46
    ys = height - 4 - np.clip((values - low) / (high - low), 0, 1) * (height - 8)
    hop = float(np.median(np.diff(seen.times))) if len(seen) > 1 else 0.1
    reach = max(3.0, 2.5 * hop / (scale.end - scale.start) * WIDTH)
    body = [svg.rect("ground", 0, 0, WIDTH, height), svg.path("curve", svg.line(xs, ys, reach))]
    span = f"{low:.0f} to {high:.0f} {unit}".replace("-", "\N{MINUS SIGN}")
    return Row(title, span, svg.figure(height, body, f"{title} over time, {span}"))


def _thinned(track: Track, name: str, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """x positions and values; where there are more than one a pixel, their medians."""
    xs = (track.times - scale.start) / (scale.end - scale.start) * WIDTH
    values = np.where(track.valid, track.column(name), np.nan)
    if len(xs) <= WIDTH:
        return xs, values
    column = xs.astype(int)
    keep = np.isfinite(values)
    filled = np.unique(column[keep])
    groups = np.split(values[keep], np.searchsorted(column[keep], filled[1:]))
    return filled + 0.5, np.array([np.median(g) for g in groups])


def _words(material: ReportData, scale: Scale) -> Row | None:
    words = [w for t in material.transcripts for w in t.words]
    if not words:
        return None
    low, body, last = material.low_confidence(), [], -1e9
    marks: dict[str, dict[float, float]] = {"word": {}, "word unsure": {}, "word filler": {}}
    for w in words:
        if not scale.holds(w.start, w.end):
            continue
        x = round(scale.x((w.start + w.end) / 2))
        kind = "word filler" if w.filler else "word unsure" if w.conf is not None and w.conf < low else "word"
        height = 4 + 16 * (1.0 if w.conf is None else w.conf)
        marks[kind][x] = max(height, marks[kind].get(x, 0))
        said = w.word.strip(" ,.?!…").lower()
        if w.filler and x - last > len(said) * svg.CHARACTER + 6:
            body.append(Markup('<text class="filler" x="{:g}" y="10" text-anchor="middle">{}</text>').format(x, said))
            last = x
    for css, found in marks.items():
        body.append(svg.path(css, "".join(f"M{x} {36 - h:.0f}V36" for x, h in sorted(found.items()))))
    fillers = sum(w.filler for w in words)
    label = f"Words: {count(len(words), 'word')}, {count(fillers, 'filler')}"
    note = "height: the recogniser's confidence, blue where low; fillers named"
    return Row("Words", note, svg.figure(38, [svg.rect("ground", 0, 14, WIDTH, 24), *body], label))


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
    inside = [c for c in items if scale.holds(*c.span)]
    if len(inside) <= COLUMNS:
        return inside
    edges = np.linspace(scale.start, scale.end, COLUMNS + 1)
    where = np.clip(np.searchsorted(edges, [sum(c.span) / 2 for c in inside], side="right") - 1, 0, COLUMNS - 1)
    groups: dict[int, list[Cell]] = {}
    for column, cell in zip(where, inside, strict=True):
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
