"""The live transcript: interim words grey, committed words plain, fillers and doubtful words marked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from workbench import theme
from workbench.contracts import Transcript, Word
from workbench.speech.streaming import Interim

SHOWN = 40
"""Closed segments on the page; earlier ones are in the report."""


class LiveTranscript(JSComponent):
    """Shows what `show` was given last."""

    closed = param.List(default=[], doc="closed segments: when (text), words")
    earlier = param.Integer(default=0, doc="closed segments that are no longer on the page")
    open_segment = param.Dict(default={}, doc="when, committed words, tentative words; empty between segments")

    _esm = Path(__file__).with_name("transcript.js")
    _stylesheets = [
        theme.css(),
        ":host{display:block;width:100%}"
        ".transcript{height:clamp(220px,46vh,430px);overflow-y:auto;font-size:16px;line-height:1.55;padding:2px 6px 2px 0}"
        "@media (max-width:899px){.transcript{height:clamp(120px,26vh,220px)}}"
        "p{margin:0 0 .55em}time{display:inline-block;min-width:3.2em;font:12px ui-monospace,monospace;color:var(--soft)}"
        ".tentative{color:var(--soft);font-style:italic}.filler{border-radius:4px;padding:0 3px;"
        "background:color-mix(in srgb,var(--warning) 30%,transparent)}"
        ".low{text-decoration:underline dotted var(--fault) 2px;text-underline-offset:3px}.empty{color:var(--soft);font-size:14px}",
    ]

    def show(self, closed: Sequence[Transcript], interim: Interim | None, low: float) -> None:
        """Show closed segments and the open one; words below the confidence `low` are marked."""
        lines = [{"at": _clock(t.start), "words": [_word(w, low) for w in t.words]} for t in closed[-SHOWN:]]
        now: dict[str, Any] = {}
        if interim and (interim.committed or interim.tentative):
            first = (*interim.committed, *interim.tentative)[0]
            now = {
                "at": _clock(first.start),
                "committed": [_word(w, low) for w in interim.committed],
                "tentative": [_word(w, 0.0) for w in interim.tentative],
            }
        seen = {"closed": lines, "earlier": max(0, len(closed) - SHOWN), "open_segment": now}
        changed = {name: value for name, value in seen.items() if value != getattr(self, name)}
        if changed:
            self.param.update(**changed)


def _word(word: Word, low: float) -> dict[str, Any]:
    return {"text": word.word, "start": round(word.start, 2), "filler": word.filler, "low": word.conf is not None and word.conf < low}


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
