"""The sessions page: which interviews are stored, and one of them to replay with other settings, correct and compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui
import param

from workbench.errors import WorkbenchError
from workbench.sessions.store import list_sessions
from workbench.sessions.writer import HEADER
from workbench.views.page import page
from workbench.views.review.session import SessionView

WIDTHS = {"session": 230, "created": 150, "length": 90, "purpose": 140, "place": 100, "consent": 100, "flags": 180}
"""Widths of columns, px: measured from their texts they would depend on whether fonts came before or after the table."""
INTRO = "Choose a session. Scores are assistive, never a verdict."


class ReviewPage(pn.viewable.Viewer):
    """Sessions of one folder; ``?session=ID&time=SECONDS&settings=…`` opens one at a moment.

    Parameters
    ----------
    folder : Path
        Where sessions are kept.
    """

    session = param.String(default="", doc="Id of the session that is shown; empty for the list.")
    time = param.Number(default=0.0, doc="Cursor, s.")
    settings = param.String(default="", doc="What the sliders say, as in ``visual:0.3,alpha:0.8``.")

    def __init__(self, folder: Path, **params: Any) -> None:
        self.folder = folder
        self.table = pn.widgets.Tabulator(
            pd.DataFrame(), disabled=True, selectable=1, show_index=False, pagination="local", page_size=15,
            layout="fit_data_stretch", sizing_mode="stretch_width", theme="simple",
            header_filters={c: {"type": "input", "placeholder": "search"} for c in ("session", "purpose", "flags")},
            sorters=[{"field": "created", "dir": "desc"}], widths=WIDTHS,
        )  # fmt: skip
        self.table.on_click(
            lambda event: self.param.update(session=str(self.table.value.iloc[event.row]["session"]), time=0.0, settings="")
        )
        self.note = pn.pane.HTML(sizing_mode="stretch_width")
        self.back = pmui.Button(label="All sessions", variant="outlined", size="small", on_click=lambda _: setattr(self, "session", ""))
        self.body = pn.Column(sizing_mode="stretch_width")
        self.page = page("review", pn.Column(self.body, margin=10, sizing_mode="stretch_width"))
        super().__init__(**params)
        self._show()

    @classmethod
    def at(cls, folder: Path, query: Mapping[str, Sequence[bytes]]) -> ReviewPage:
        """The page that an address asks for; the address is read here, because Panel takes a session called 2026 for a number."""
        asked = {k: query[k][0].decode(errors="replace") for k in ("session", "time", "settings") if query.get(k)}
        try:
            time = max(0.0, float(asked.pop("time", "0")))
        except ValueError:
            time = 0.0
        return cls(folder, time=time, **asked)

    def _open(self, session: str) -> None:
        self.param.update(session=session, time=0.0, settings="")

    def _folder(self, name: str) -> Path:
        """Where a session of the folder lies, by its folder's name or its id."""
        if Path(name).name == name and (self.folder / name / HEADER).is_file():
            return self.folder / name
        found = next((Path(s["folder"]) for s in list_sessions(self.folder) if s["id"] == name), None)
        if found is None:
            raise WorkbenchError(f"{self.folder}: holds no session called {name!r}; choose one of the list")
        return found

    def _rows(self) -> pd.DataFrame:
        found = list_sessions(self.folder)
        rows = [
            {
                "session": Path(s["folder"]).name,
                "created": s["created"][:16].replace("T", " "),
                "length": _length(s.get("duration")),
                "purpose": s.get("purpose", ""),
                "place": s.get("jurisdiction", ""),
                "consent": {True: "yes", False: "no", None: ""}[s.get("consent")],
                "flags": ", ".join(s["flags"]),
                "problem": s["problem"],
            }
            for s in found
        ]
        return pd.DataFrame(rows, columns=["session", "created", "length", "purpose", "place", "consent", "flags", "problem"])

    @param.depends("session", watch=True)
    def _show(self) -> None:
        if not self.session:
            table = self._rows()
            none = f"No sessions in {self.folder} yet: run <code>make demo</code> or <code>workbench evaluate MEDIA</code>."
            self.note.object = f"<p>{INTRO if len(table) else none}</p>"
            self.table.value = table
            self.body.objects = [self.note, self.table]
            return
        try:
            folder = self._folder(self.session)
            view = SessionView(folder, time=self.time, settings=self.settings)
        except WorkbenchError as error:
            self.note.object = f"<p class='problem'><b>{escape(str(error))}</b></p>"
            self.body.objects = [self.back, self.note]
            return
        view.param.watch(lambda e: self.param.update(**{e.name: e.new}), ["time", "settings"])
        view.param.watch(lambda _: self._show(), "renewed")
        head = pn.pane.HTML(f"<b style='font-size:16px'>{escape(view.opened.session.id)}</b>", margin=(8, 12))
        self.body.objects = [
            pn.Row(self.back, head, pn.Spacer(sizing_mode="stretch_width"), view.report, sizing_mode="stretch_width"),
            view,
        ]

    def __panel__(self) -> Any:
        return self.page


def _length(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
