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
        value = f"<span class='was n'>{percent(s.value)}</span><span class='n' style='color:#ef4444'>{percent(override.value)}</span>"
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
    return f"<a class='chip' data-seek='{e.start:.3f}' title='{text}'><time>{clock(e.start)}</time>{text or e.kind}</a>"


def events(found: Iterable[Event]) -> str:
    """What happened to the session, in order."""
    rows = [
        f"<a class='row' data-seek='{e.timestamp:.3f}'><time>{clock(e.timestamp)}</time><b>{escape(e.kind.replace('_', ' '))}</b> "
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
        f"<a class='row' data-seek='{w['start']:.3f}'><time>{clock(w['start'])}</time>{escape(str(w['before']))} → "
        f"<b>{escape(str(w['after']))}</b></a>"
        for w in labels[:120]
    ]
    return "".join(parts) + _more(len(labels), 120)


def _more(count: int, shown: int) -> str:
    return f"<p class='i'>and {count - shown} more</p>" if count > shown else ""
