"""One question across sessions: who scored what, and the way to each answer."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import panel as pn
import panel_material_ui as pmui

from workbench.sessions import query
from workbench.views.review import html
from workbench.views.review.data import Opened

_SQL = """select s.session, s.name, s.value, coalesce(a."start", 0) as begin, o.value as reviewed from scores s
left join answers a on a.session = s.session and a.question_id = s.scope
left join (select session, scope, name, arg_max(value, number) as value from overrides where kind = 'score' group by all) o
on o.session = s.session and o.scope = s.scope and o.name = s.name where s.scope = {scope}"""


class Questions(pn.viewable.Viewer):
    """A table of all sessions of the folder that know the question."""

    def __init__(self, opened: Opened, **params: Any) -> None:
        super().__init__(**params)
        self.opened = opened
        self.scope = pmui.Select(
            label="Compare across sessions",
            options=opened.scopes(),
            value=None,
            sizing_mode="stretch_width",
            size="small",
            margin=(14, 10, 5, 10),
        )
        self.table = pn.pane.HTML("", sizing_mode="stretch_width")
        self.scope.param.watch(lambda _: self.show(), "value")

    def show(self) -> None:
        """Fill the table for the chosen question."""
        literal = "'" + self.scope.value.replace("'", "''") + "'"
        found = query(_SQL.format(scope=literal), self.opened.session.folder.parent)
        rows: dict[str, dict[str, Any]] = {}
        for r in found.to_dict("records"):
            row = rows.setdefault(r["session"], {"href": f"?session={quote(r['session'])}&time={r['begin']:.2f}", "scores": {}})
            row["scores"][r["name"]] = (r["value"], r["reviewed"])
        self.table.object = html.across(rows, self.opened.session.folder.name)

    def __panel__(self) -> Any:
        return pn.Column(self.scope, self.table, sizing_mode="stretch_width")
