"""The sessions page: which interviews are stored, and each one's report. It reads; it computes nothing of its own."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pandas as pd
import panel as pn
import param

from workbench.errors import WorkbenchError
from workbench.report import build
from workbench.sessions.store import Session, list_sessions

COLUMNS = ("id", "created", "duration", "purpose", "jurisdiction", "consent")
INTRO = "Choose a session to read its report. Scores are assistive, never a verdict."


class ReviewPage(pn.viewable.Viewer):
    """Sessions of one folder above, the chosen one's report below; ``?session=ID`` opens one.

    Parameters
    ----------
    folder : Path
        Where sessions are kept.
    """

    session = param.String(default="", doc="Id of the session that is shown; empty for none.")

    def __init__(self, folder: Path, **params: Any) -> None:
        self.folder = folder
        self._found = {s["id"]: s for s in list_sessions(folder)}
        self.table = pn.widgets.Tabulator(
            self._rows(), disabled=True, selectable=1, show_index=False, pagination="local", page_size=12, layout="fit_data_fill",
            sizing_mode="stretch_width", header_filters={"id": {"type": "input", "placeholder": "search"}},
            titles={"id": "session", "duration": "length"},
        )  # fmt: skip
        self.table.on_click(lambda event: setattr(self, "session", str(self.table.value.iloc[event.row]["id"])))
        self.note = pn.pane.Markdown(sizing_mode="stretch_width")
        self.report = pn.pane.HTML(sizing_mode="stretch_both", min_height=700)
        super().__init__(**params)
        self._show()

    def _rows(self) -> pd.DataFrame:
        rows = [{c: s.get(c, "") for c in COLUMNS} | {"notes": self._note(s)} for s in self._found.values()]
        table = pd.DataFrame(rows, columns=[*COLUMNS, "notes"])
        table["created"] = table["created"].str.slice(0, 16).str.replace("T", " ")
        table["consent"] = table["consent"].map({True: "yes", False: "no"}).fillna("")
        table["duration"] = [f"{int(d // 60)}:{int(d % 60):02d}" if isinstance(d, float) else "" for d in table["duration"]]
        return table

    @staticmethod
    def _note(summary: dict[str, Any]) -> str:
        parts = [summary["problem"]] if summary["problem"] else [f"{c.replace('_', ' ')} off" for c in summary["disabled"]]
        return "; ".join(parts + ["recording"] * bool(summary.get("recording")))

    @param.depends("session", watch=True)
    def _show(self) -> None:
        if not self.session:
            none = f"No sessions in `{self.folder}` yet: run `make demo` or `workbench evaluate MEDIA`."
            self.note.object, self.report.object = (INTRO if self._found else none), ""
            return
        try:
            opened = Session.find(self.session if self.session not in self._found else self._found[self.session]["folder"])
            page = opened.folder / "report.html"
            if not page.exists() or page.stat().st_mtime < (opened.folder / "scores.jsonl").stat().st_mtime:
                build(opened, page)
            self.note.object = "  \n".join([f"**{opened.id}**", *opened.warnings])
            self.report.object = (
                f'<iframe title="report of {html.escape(opened.id)}" style="width:100%;height:calc(100vh - 150px);border:0" '
                f'srcdoc="{html.escape(page.read_text(encoding="utf-8"))}"></iframe>'
            )
        except (WorkbenchError, OSError) as error:
            self.note.object, self.report.object = f"**{html.escape(str(error))}**", ""

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column("## Sessions", self.table, self.note, self.report, sizing_mode="stretch_width", styles={"padding": "12px"})
