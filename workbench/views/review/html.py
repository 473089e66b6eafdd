"""Scores, events and differences as HTML; whatever has a time carries ``data-seek``, which the player follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from workbench.contracts import Contribution, Event, Evidence, Score

CSS = f"<style>{Path(__file__).with_suffix('.css').read_text(encoding='utf-8')}</style>"


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def percent(value: float | None) -> str:
    """A score as it is shown: 0 to 100."""
    return "–" if value is None else f"{100 * value:.1f}"


def scores(found: Iterable[Score], reviewed: Mapping[tuple[str, str], Any], names: Mapping[str, str]) -> str:
    """Every score with what it is made of and where that came from.

    Parameters
    ----------
    found : iterable of Score
    reviewed : mapping
        (scope, name) → the override in force; shown beside the original.
    names : mapping
        Question id → its text.
    """
    parts, scope = [CSS], None
    for s in found:
        if s.scope != scope:
            scope = s.scope
            parts.append(f"<h4>{escape(names.get(scope, scope) if scope != 'session' else 'Whole session')}</h4>")
        parts.append(_score(s, reviewed.get((s.scope, s.name))))
    return "".join(parts) if len(parts) > 1 else CSS + "<p>No scores are stored.</p>"


def _score(s: Score, override: Any) -> str:
    interval = f"<span class='i'>{percent(s.low)}–{percent(s.high)}</span>" if s.low is not None and s.high is not None else ""
    value = f"<span class='n'>{percent(s.value)}</span>"
    note = ""
    if override is not None:
        value = f"<span class='was n'>{percent(s.value)}</span><span class='n set'>{percent(override.value)}</span>"
        note = f"<p class='over'>set by {escape(override.by)}, {escape(override.when[:16])}: {escape(override.reason)}</p>"
    gaps = "".join(f"<p class='i'>{escape(k.replace('_', ' '))}: {escape(why)}</p>" for k, why in s.missing.items())
    body = "".join(_part(c) for c in s.contributions) + gaps
    head = f"<summary><b>{escape(s.name)}</b>{interval}{value}</summary>{note}"
    return f"<details data-score='{escape(s.scope)}/{escape(s.name)}'>{head}{body or '<p>Nothing could be measured.</p>'}</details>"


def _part(c: Contribution) -> str:
    raw = "" if c.raw is None else f"{c.raw:.3g} {escape(c.unit)} → "
    share = 0.0 if c.normalised is None else c.normalised
    note = f"<p class='i'>{escape(c.note)}</p>" if c.note else ""
    return (
        f"<div class='part'><p>{escape(c.feature.replace('_', ' '))}: {raw}{percent(c.normalised)} × weight {c.weight:.2f} = "
        f"<b>{percent(c.contribution)}</b></p><div class='bar'><i style='width:{100 * share:.1f}%'></i></div>{note}"
        f"{''.join(chip(e) for e in c.evidence)}</div>"
    )


def chip(e: Evidence) -> str:
    """One piece of evidence; a click goes there."""
    value = "" if e.value is None else f" {e.value:.2f}"
    kind = f"frame {e.frame_id}: " if e.kind == "frame" and e.frame_id is not None else ""
    text = escape(f"{kind}{e.text}{value}")
    return f"<a href='#player' class='chip' data-seek='{e.start:.3f}' title='{text}'><time>{clock(e.start)}</time>{text or e.kind}</a>"


def events(found: Iterable[Event]) -> str:
    """What happened to the session, in order."""
    rows = [
        f"<a href='#player' class='row {e.severity}' data-seek='{e.timestamp:.3f}'>"
        f"<time>{clock(e.timestamp)}</time><b>{escape(e.title)}</b> "
        f"{escape(e.message)}</a>"
        for e in found
    ]
    return CSS + ("".join(rows) or "<p>No events are stored.</p>")


def differences(found: Mapping[str, Any]) -> str:
    """Which windows changed label, which scores moved, and the features that moved them."""
    labels, moved = found["changed_labels"], found["moved_scores"]
    grid = "" if found["same_windows"] else "<p>The windows lie elsewhere than before.</p>"
    parts = [CSS, grid, f"<h4>{len(moved)} scores moved</h4>"]
    if moved:
        rows = []
        for m in moved:
            why = ", ".join(f"{f.replace('_', ' ')} {100 * d:+.1f}" for f, d in sorted(m["features"].items(), key=lambda kv: -abs(kv[1])))
            rows.append(
                f"<tr><td>{escape(m['scope'])}</td><td>{escape(m['name'])}</td><td class='n'>{percent(m['before'])}</td>"
                f"<td class='n'>{percent(m['after'])}</td><td>{escape(why)}</td></tr>"
            )
        head = "<tr><th>where</th><th>score</th><th class='n'>before</th><th class='n'>now</th><th>because</th></tr>"
        parts.append(f"<table class='moved'>{head}{''.join(rows[:60])}</table>{_more(len(rows), 60)}")
    parts.append(f"<h4>{len(labels)} of {found['windows']} windows changed label</h4>")
    parts += [
        f"<a href='#player' class='row' data-seek='{w['start']:.3f}'><time>{clock(w['start'])}</time>{escape(str(w['before']))} → "
        f"<b>{escape(str(w['after']))}</b></a>"
        for w in labels[:120]
    ]
    return "".join(parts) + _more(len(labels), 120)


def _more(count: int, shown: int) -> str:
    return f"<p class='i'>and {count - shown} more</p>" if count > shown else ""


def span(found: Mapping[str, Any] | None) -> str:
    """Statistics of the selected span."""
    if found is None:
        return CSS + "<p>Drag over a track, or press [ and ], to select a span.</p>"

    def row(name: str, value: float | None, unit: str, digits: int = 0) -> str:
        return f"<tr><td>{name}</td><td class='n'>{'–' if value is None else f'{value:.{digits}f} {unit}'}</td></tr>"

    def share(value: float | None) -> float | None:
        return None if value is None else 100 * value

    rows = [
        row("from", found["start"], "s", 1), row("length", found["seconds"], "s", 1), row("words", found["words"], ""),
        row("fillers", found["fillers"], ""), row("words a minute", found["words_per_minute"], ""),
        row("speech", share(found["speech"]), "%"),
        row("pitch, mean", found["pitch"], "Hz"), row("energy, mean", found["energy"], "dB", 1),
        row("face seen", share(found["face"]), "%"),
        *(row(f"fused: {label}", share(p), "%") for label, p in list(found["labels"].items())[:4]),
        *(row(f"{name}, mean", share(v), "", 1) for name, v in found["scores"].items()),
    ]  # fmt: skip
    return f"{CSS}<table class='statistics'>{''.join(rows)}</table>"


def corrections(found: Any) -> str:
    """The log of corrections, and whether it is whole."""
    state = "The log is whole." if found.ok else "The log is broken: " + "; ".join(found.problems)
    rows = []
    for e in reversed(found.entries):
        was, now = (percent(v) if isinstance(v, float) else str(v or "–") for v in (e.original, e.value))
        seek = f" href='#player' data-seek='{e.start:.3f}'" if e.start is not None else ""
        what = {
            "score": f"{e.scope} {e.name}", "label": f"{clock(e.start or 0)} to {clock(e.end or 0)}", "candidate": "Candidate's face"
        }[e.kind]  # fmt: skip
        rows.append(
            f"<a class='row correction'{seek}><b>{escape(what)}</b> <span class='was'>{escape(was)}</span>{escape(now)}<br>"
            f"<span class='i'>{escape(e.by)}, {escape(e.when[:16].replace('T', ' '))}: {escape(e.reason)}</span></a>"
        )
    return f"{CSS}<h4>{len(found.entries)} corrections</h4><p class='i chain'>{escape(state)}</p>{''.join(rows)}"


def across(rows: Mapping[str, Mapping[str, Any]], here: str) -> str:
    """Scores of one question in every session."""
    names = list(dict.fromkeys(n for r in rows.values() for n in r["scores"]))
    head = "".join(f"<th class='n'>{escape(n)}</th>" for n in names)
    body = []
    for session, r in sorted(rows.items()):
        cells = []
        for n in names:
            value, reviewed = r["scores"].get(n, (None, None))
            shown = percent(None if value is None or value != value else value)
            if isinstance(reviewed, str):
                shown = f"<span class='was'>{shown}</span>{percent(float(reviewed))}"
            cells.append(f"<td class='n'>{shown}</td>")
        link = f"<b>{escape(session)}</b>" if session == here else f"<a href='{escape(r['href'])}'>{escape(session)}</a>"
        body.append(f"<tr><td>{link}</td>{''.join(cells)}</tr>")
    return f"{CSS}<div style='overflow-x:auto'><table class='across'><tr><th>session</th>{head}</tr>{''.join(body)}</table></div>"
