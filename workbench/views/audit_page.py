"""The audit page for reviewers who do not code: choose a run, a figure and a grouping; read, compare, take it along."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any

import panel as pn
import panel_material_ui as pmui
from markupsafe import Markup, escape

from workbench.audit import page
from workbench.audit.bundle import Bundle
from workbench.audit.findings import findings
from workbench.audit.groups import CROSS
from workbench.errors import WorkbenchError

NO_RUN = "No audit is kept here yet."


class AuditPage(pn.viewable.Viewer):
    """One visitor's page.

    Parameters
    ----------
    runs : mapping of str to callable
        Title of each kept run → gives its `Bundle`.
    make : callable, optional
        Makes a first audit where there is none; the page offers it as a button.
    """

    def __init__(self, runs: Mapping[str, Callable[[], Bundle]], make: Callable[[], Bundle] | None = None) -> None:
        super().__init__()
        self._runs, self._make_one = dict(runs), make
        self._bundle: Bundle | None = None
        self._run = pmui.Select(label="Audit run", options=list(self._runs), sizing_mode="stretch_width")
        self._audit = pmui.Select(label="Predictions", options=[], sizing_mode="stretch_width")
        self._metric = pmui.Select(label="Figure", options={}, sizing_mode="stretch_width")
        self._grouping = pmui.Select(label="Grouping", options=[], sizing_mode="stretch_width")
        self._export = pmui.FileDownload(
            label="Download the whole audit", callback=self._file, filename="audit.html", sizing_mode="stretch_width"
        )
        self._make = pmui.Button(
            label="Audit CREMA-D's votes now", visible=not self._runs and make is not None, sizing_mode="stretch_width"
        )
        self._make.on_click(self._first)
        self._notice = pmui.Alert(title="", visible=False, severity="info", sizing_mode="stretch_width")
        self._parts = {name: _pane() for name in ("Findings", "Groups", "Intersections", "Gaps", "Modalities", "Local Law 144")}
        self._tabs = pmui.Tabs(*((name, pane) for name, pane in self._parts.items()), sizing_mode="stretch_width")
        self._run.param.watch(lambda _: self._open(), "value")
        self._audit.param.watch(lambda _: self._choose(), "value")
        for widget in (self._metric, self._grouping):
            widget.param.watch(lambda _: self._show(), "value")
        if self._runs:
            self._open()
        else:
            self._tell(f"{NO_RUN} Make one with `workbench audit run`" + (", or with the button." if make else "."))
        self._layout = self._page()

    def _page(self) -> Any:
        sizes = {"xs": 6, "sm": 4, "lg": 2}
        selects = [pmui.Grid(w, size=sizes) for w in (self._run, self._audit, self._metric, self._grouping)]
        export = pmui.Grid(self._export, size={"xs": 12, "sm": 4, "lg": 3})
        bar = pmui.Grid(*selects, export, container=True, sizing_mode="stretch_width", margin=(12, 8, 0, 8))
        return pmui.Page(
            title="Interview Workbench: bias audits",
            main=[pmui.Column(self._notice, self._make, bar, self._tabs, sizing_mode="stretch_width")],
            theme_toggle=False,
        )

    async def _first(self, _: Any) -> None:
        assert self._make_one is not None
        self._make.loading = True
        try:
            found = await asyncio.to_thread(self._make_one)
        except WorkbenchError as error:
            self._tell(str(error), "error")
            return
        finally:
            self._make.loading = False
        self._make.visible = False
        self._runs = {found.name: lambda: found}
        self._run.options = list(self._runs)
        self._run.value = found.name

    def _tell(self, text: str, severity: str = "info") -> None:
        self._notice.param.update(title=text, severity=severity, visible=bool(text))

    def _open(self) -> None:
        try:
            self._bundle = self._runs[self._run.value]()
        except WorkbenchError as error:
            self._tell(str(error), "error")
            return
        self._tell("" if not self._bundle.label else self._bundle.label, "warning")
        self._export.filename = f"{self._bundle.name.replace(' ', '-')}.html"
        names = [*self._bundle.audits, *(["change"] if self._bundle.change else [])]
        self._parts["Modalities"].object = _together(self._bundle.costs_section(), self._bundle.mitigation_section())
        self._parts["Local Law 144"].object = _together(self._bundle.ll144_section())
        self._audit.param.update(options=names, value=names[0])
        self._choose()

    def _choose(self) -> None:
        audit = self._current()
        metrics = {audit.label(m): m for m in audit.metrics}
        groupings = [g for g in audit.groupings if CROSS not in g]
        self._metric.param.update(options=metrics, value=self._metric.value if self._metric.value in metrics.values() else audit.metrics[0])
        self._grouping.param.update(options=groupings, value=self._grouping.value if self._grouping.value in groupings else groupings[0])
        self._show()

    def _current(self) -> Any:
        assert self._bundle is not None
        if self._audit.value == "change" and self._bundle.change is not None:
            return self._bundle.change
        return self._bundle.audits[self._audit.value]

    def _show(self) -> None:
        audit, metric, grouping = self._current(), self._metric.value, self._grouping.value
        if metric not in audit.metrics or grouping not in audit.groupings:
            return  # the other select follows in a moment
        crossed = [g for g in audit.groupings if CROSS in g and grouping in g.split(CROSS)]
        near = [grouping, *crossed]
        head = Markup("<h3>{}</h3>")
        self._parts["Findings"].object = _body(page.sentences(findings(audit, [metric], near)))
        forests = (
            head.format(f"{audit.label(metric)} by {g}".replace("_", " ").capitalize()) + page.forest(audit, metric, g) for g in near
        )
        self._parts["Groups"].object = _body(Markup("").join(forests))
        key = Markup(
            '<p class="soft">Blue: better than everyone together; orange: worse. Hatched: too few people. Framed: a gap that stands.</p>'
        )
        maps = Markup("").join(head.format(g.replace("_", " ").capitalize()) + page.heat(audit, metric, g) for g in crossed)
        self._parts["Intersections"].object = _body(key + maps if crossed else Markup("<p>This audit crosses no groupings.</p>"))
        self._parts["Gaps"].object = _body(page.gaps(audit, [metric], near))

    def _file(self) -> StringIO:
        if self._bundle is None:
            return StringIO(NO_RUN)
        return StringIO(self._bundle.html())

    def __panel__(self) -> Any:
        return self._layout


def _pane() -> Any:
    return pn.pane.HTML("", stylesheets=[page.css()], sizing_mode="stretch_width", margin=(8, 4))


def _body(content: Markup) -> str:
    return str(Markup('<div class="audit sheet">{}</div>').format(content))


def _together(*sections: dict[str, Any] | None) -> str:
    there = [s for s in sections if s]
    if not there:
        return _body(Markup("<p>{}</p>").format(escape("This run did not ask for it.")))
    return _body(Markup("").join(Markup("<h2>{}</h2>{}").format(s["title"], s["body"]) for s in there))
