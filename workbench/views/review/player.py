"""The player: picture or sound, transcript and tracks with one time cursor. All that follows the cursor runs in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import param
from panel.custom import Child, JSComponent

from workbench import theme

HERE = Path(__file__).parent


class Player(JSComponent):
    """One session. Every element with ``data-seek="SECONDS"`` anywhere on the page moves the cursor when clicked."""

    media = param.Dict(default={}, doc="`kind` (video, audio or empty), `src`, `duration` and `frame` (s)")
    words = param.Dict(default={}, doc="columns `text`, `start`, `end`, `mark`; `first`: number of each paragraph's first word; `notes`")
    tracks = Child(doc="figures whose frames lie one below the other; their range is called `review-range`")
    time = param.Number(default=0.0, doc="cursor when it rests, s")
    goto = param.Number(default=-1.0, doc="set to move the cursor, s")
    selection = param.List(default=[], doc="start and end of the selected span, s; empty for none")
    compare = param.Boolean(default=True, doc="whether the other settings' curves are shown")

    _esm = HERE / "player.js"
    _stylesheets = [theme.css(), (HERE / "player.css").read_text(encoding="utf-8")]


def transcript(transcripts: list[Any], low: float) -> dict[str, Any]:
    """All words as columns. ``mark``: f filler, l below the confidence `low`, else empty."""
    columns: dict[str, list[Any]] = {"text": [], "start": [], "end": [], "mark": [], "first": [], "notes": []}
    for t in sorted(transcripts, key=lambda t: t.start):
        columns["first"].append(len(columns["text"]))
        columns["notes"].append({"at": round(t.start, 2), "speaker": t.speaker or ""})
        for w in t.words:
            columns["text"].append(w.word)
            columns["start"].append(round(w.start, 2))
            columns["end"].append(round(w.end, 2))
            columns["mark"].append("f" if w.filler else "l" if w.conf is not None and w.conf < low else "")
    return columns
