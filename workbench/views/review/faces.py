"""Whose face counts: the faces of a session with a picture of each, to choose from."""

from __future__ import annotations

from functools import cached_property
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from workbench.capture.source import Tracks
from workbench.report.data import portraits
from workbench.sessions import candidate, faces, overrides
from workbench.sessions.store import Session

_STYLE = """<style>.faces{display:flex;flex-wrap:wrap;gap:8px}.faces figure{margin:0;font-size:12px;width:110px}
.faces img{width:96px;height:96px;object-fit:cover;border-radius:6px;display:block}
.faces .now img{outline:3px solid var(--accent)}</style>"""


class FacePicker(pn.viewable.Viewer):
    """The faces of a session; `store` says that another one is the candidate's.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        self.choice = pmui.RadioBoxGroup(label="The candidate's face", options=[], value=None, size="small", inline=True)
        self.pictures = pn.pane.HTML(sizing_mode="stretch_width")

    @cached_property
    def _faces(self) -> list[Any]:
        return faces.summaries(self.session)

    def show(self) -> None:
        """Read the faces; they are looked at only when somebody wants to choose."""
        now = candidate.current(self.session)
        options = [f.face_id for f in self._faces if f.analysed]
        self.choice.options = options
        self.choice.value = next((name for name in now.faces if name in options), None)
        path, examples = self.session.video_path, {f.face_id: f.example for f in self._faces if f.example is not None}
        pictures = portraits(path, examples, Tracks.of(self.session.header.media)) if path is not None else {}
        cells = []
        for f in self._faces:
            image = f"<img src='{pictures[f.face_id]}' alt='{escape(f.face_id)}'>" if f.face_id in pictures else ""
            mark = " class='now'" if f.face_id in now.faces else ""
            about = f"<b>{escape(f.face_id)}</b>, {f.seconds:.1f} s, {f.moving}" + ("" if f.analysed else ", not analysed")
            cells.append(f"<figure{mark} data-face='{escape(f.face_id)}'>{image}<figcaption>{about}</figcaption></figure>")
        text = f"<p style='font-size:13px;margin:4px 0'>Candidate: {escape(now.sentence)}</p>"
        none = "<p style='color:var(--error)'>No faces are stored.</p>"
        self.pictures.object = _STYLE + (f"{text}<div class='faces'>{''.join(cells)}</div>" if cells else none)

    def store(self, reason: str, by: str) -> overrides.Override | None:
        """Store the choice; windows and scores are computed again. None where it was chosen before.

        Raises
        ------
        SessionError
            If reason or name are empty, no face is chosen, or the log is broken.
        """
        return candidate.correct(self.session, [self.choice.value] if self.choice.value else [], reason, by)

    def __panel__(self) -> Any:
        return pn.Column(self.pictures, self.choice, sizing_mode="stretch_width")
