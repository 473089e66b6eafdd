"""Score gauges; each opens to its contributions, which add up to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from workbench import theme
from workbench.contracts import Contribution, Score

NAMES = ("composite", "technical", "clarity", "confidence", "engagement")


class ScoreGauges(JSComponent):
    """Shows the session's scores as `show` was given them last."""

    scores = param.List(default=[{"name": n, "title": n, "value": None, "contributions": [], "note": "no speech yet"} for n in NAMES])

    _esm = Path(__file__).with_name("gauges.js")
    _stylesheets = [
        theme.css(),
        ":host{display:block;width:100%}.gauges{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:10px;align-items:start}"
        "details{border:1px solid var(--line);border-radius:10px;padding:8px 12px}"
        "details[open]{grid-column:1/-1}details[data-name=composite]{border-color:var(--accent)}"
        "summary{display:grid;grid-template-columns:1fr auto;cursor:pointer;list-style:none;gap:2px 8px;align-items:baseline}"
        "summary:focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:6px}"
        ".name{font-size:13px;color:var(--soft);text-transform:capitalize}.name::after{content:' ▾';opacity:.6}"
        ".value{font-size:24px;font-weight:600}"
        ".track{grid-column:1/-1;height:6px;border-radius:3px;background:var(--line);overflow:hidden}"
        ".track i{display:block;height:100%;background:var(--mark);transition:width .3s}.none .value{color:var(--soft)}"
        ".parts{margin-top:10px;font-size:13px;line-height:1.5}.part{display:grid;grid-template-columns:1.4fr 1.2fr .8fr .8fr;gap:2px 10px;"
        "padding:4px 0;border-top:1px solid var(--line)}"
        ".part .c{text-align:right;font-weight:600}.part em{grid-column:1/-1;color:var(--soft)}p{margin:6px 0 0;color:var(--soft)}",
    ]

    def clear(self) -> None:
        """Show no values: a session begins."""
        self.scores = self.param["scores"].default

    def show(self, scores: Sequence[Score]) -> None:
        """Show the scores of the whole session."""
        whole = {s.name: s for s in scores if s.scope == "session"}
        shown = [_gauge(whole[n]) for n in NAMES if n in whole]
        if shown and shown != self.scores:
            self.scores = shown


def _gauge(score: Score) -> dict[str, Any]:
    missing = "; ".join(f"{_plain(f)}: {why}" for f, why in score.missing.items())
    if score.value is None:
        note = f"Not measured. {missing}"
    else:
        note = "The parts add up to the score." + (f" Left out: {missing}." if missing else "") + " Intervals are in the report."
    contributions = [_part(c) for c in score.contributions]
    return {"name": score.name, "title": score.name, "value": score.value, "contributions": contributions, "note": note}


def _part(c: Contribution) -> dict[str, str]:
    raw = "" if c.raw is None else f"{c.raw:.2f} {c.unit}".strip()
    evidence = ", ".join(f"“{e.text}” {e.start:.0f} s" if e.text else f"{e.start:.0f}–{e.end:.0f} s" for e in c.evidence[:4])
    share = f"{c.normalised:.2f} × {c.weight:.2f}" if c.normalised is not None else ""
    return {"feature": _plain(c.feature), "raw": raw, "share": share, "contribution": f"{100 * c.contribution:.1f}", "evidence": evidence}


def _plain(name: str) -> str:
    return name.replace("_", " ")
