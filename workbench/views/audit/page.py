"""The audit page for reviewers who do not code: choose a run, a figure and a grouping; read, compare, take it along."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from io import StringIO
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
from markupsafe import Markup

from workbench.audit import compare
from workbench.audit.present import bundle, page
from workbench.audit.present.bundle import Bundle
from workbench.audit.present.findings import findings
from workbench.audit.result import Audit
from workbench.audit.stats.groups import CROSS
from workbench.errors import WorkbenchError
from workbench.views import page as frame
from workbench.zoo.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

Runs = Mapping[str, Callable[[], Bundle]]
"""Title of each kept run → reads it."""
NO_RUN = "No audit is kept here yet: make one with `workbench audit run`"
NOTHING = Markup("<p>This run did not ask for it.</p>")
TABS = ("Findings", "Groups", "Intersections", "Gaps", "Modalities", "Local Law 144", "Compare")


class AuditPage(pn.viewable.Viewer):
    """One visitor's page. Whatever takes long runs beside the server's loop, so that no other visitor waits.

    Parameters
    ----------
    runs : callable
        Lists the kept runs, the newest first.
    make : callable, optional
        Makes a first audit where none is kept; the page offers it as a button.
    """

    def __init__(self, runs: Callable[[], Runs], make: Callable[[Progress], Bundle] | None = None) -> None:
        super().__init__()
        self._list, self._make = runs, make
        self._runs: dict[str, Callable[[], Bundle]] = {}
        self._bundle: Bundle | None = None
        self._other: Bundle | None = None
        self._run, self._audit, self._metric, self._grouping, self._against = (
            pmui.Select(label=label, options=[], sizing_mode="stretch_width")
            for label in ("Audit run", "Predictions", "Figure", "Grouping", "Compare with an earlier run")
        )
        self._export = pmui.FileDownload(
            label="Download all", callback=self._file, filename="audit.html", sizing_mode="stretch_width", disabled=True
        )
        self._summary = pmui.FileDownload(
            label="Download the public summary", callback=self._law, filename="ll144.txt", visible=False, variant="outlined"
        )
        self._start = pmui.Button(label="Audit CREMA-D's votes now", visible=False, color="primary", on_click=self._first)
        self._bar = pmui.LinearProgress(value=0, visible=False, sizing_mode="stretch_width")
        self._notice = pmui.Alert(title="Looking for kept audits …", severity="info", sizing_mode="stretch_width")
        self._parts = {name: pn.pane.HTML("", stylesheets=[page.css()], sizing_mode="stretch_width", margin=(8, 4)) for name in TABS}
        for select, act in (
            (self._run, self._open), (self._audit, self._choose), (self._metric, self._show), (self._grouping, self._show),
            (self._against, self._beside),
        ):  # fmt: skip
            select.param.watch(act, "value")
        self._page = self._layout()
        pn.state.onload(self._begin)

    def _layout(self) -> Any:
        beside = {"Compare": self._against, "Local Law 144": self._summary}
        tabs = [(name, pmui.Column(beside[name], part) if name in beside else part) for name, part in self._parts.items()]
        half, whole = {"xs": 6, "md": 3, "lg": 2}, {"xs": 12, "md": 6, "lg": 3}
        widths = ((self._run, whole), (self._audit, half), (self._grouping, half), (self._metric, whole), (self._export, whole | {"lg": 2}))
        cells = [pmui.Grid(widget, size=size) for widget, size in widths]
        self._choices = pmui.Grid(*cells, container=True, spacing=0, visible=False, sizing_mode="stretch_width", margin=(12, 0, 0, 0))
        self._tabs = pmui.Tabs(*tabs, visible=False, sizing_mode="stretch_width")
        main = pmui.Column(self._notice, self._start, self._bar, self._choices, self._tabs, sizing_mode="stretch_width")
        return frame.page("bias audits", main)

    async def _begin(self) -> None:
        try:
            self._runs = dict(await asyncio.to_thread(self._list))
        except WorkbenchError as error:
            self._tell(str(error), "error")
            return
        if self._runs:
            self._offer()
        else:
            self._start.visible = self._make is not None
            self._tell(f"{NO_RUN}{', or with the button.' if self._make else '.'}")

    def _offer(self) -> None:
        titles = list(self._runs)
        self._against.param.update(options=["", *titles], value="")
        self._run.param.update(options=titles, value=titles[0])

    async def _first(self, _: Any) -> None:
        assert self._make is not None
        step: list[tuple[str, int, int]] = [("", 0, 1)]
        self._start.disabled = self._bar.visible = True
        task = asyncio.create_task(asyncio.to_thread(self._make, lambda *now: step.__setitem__(0, now)))
        self._tell("Auditing: this takes about a minute.")
        while not task.done():
            self._bar.value = 100 * step[0][1] / step[0][2]
            await asyncio.sleep(0.3)
        self._start.disabled = self._bar.visible = False
        if isinstance(error := task.exception(), WorkbenchError):
            self._tell(str(error), "error")
            return
        found = task.result()
        self._start.visible = False
        self._runs = {found.name: lambda: found}
        self._offer()

    def _tell(self, text: str, severity: str = "info") -> None:
        self._notice.param.update(title=text, severity=severity, visible=bool(text))

    async def _read(self, title: str) -> Bundle | None:
        try:
            return await asyncio.to_thread(self._runs[title])
        except WorkbenchError as error:
            self._tell(str(error), "error")
            return None

    async def _open(self, _: Any) -> None:
        self._tell("Reading the audit …")
        if (found := await self._read(self._run.value)) is None:
            return
        self._bundle = found
        self._tell(found.label, "warning")
        self._export.param.update(filename=f"{found.name.replace(' ', '-')}.html", disabled=False)
        self._choices.visible = self._tabs.visible = True
        names = [*found.audits, *([found.change.name] if found.change else [])]
        self._summary.visible = found.ll144 is not None
        self._parts["Local Law 144"].object = _sections(found.ll144_section())
        self._audit.param.update(options=names, value=names[0])
        self._choose()

    def _choose(self, _: Any = None) -> None:
        audit = self._current()
        metrics = {audit.label(m): m for m in audit.metrics}
        groupings = {g.replace("_", " "): g for g in audit.groupings if CROSS not in g}
        for select, options in ((self._metric, metrics), (self._grouping, groupings)):
            kept = select.value if select.value in options.values() else next(iter(options.values()))
            select.param.update(options=options, value=kept)
        self._show()

    def _current(self) -> Audit:
        found = self._bundle
        assert found is not None
        return found.audits[self._audit.value] if self._audit.value in found.audits else found.change or next(iter(found.audits.values()))

    def _show(self, _: Any = None) -> None:
        audit, metric, grouping = self._current(), self._metric.value, self._grouping.value
        if self._bundle is None or metric not in audit.metrics or grouping not in audit.groupings:
            return  # the other select follows in a moment
        crossed = [g for g in audit.groupings if CROSS in g and grouping in g.split(CROSS)]
        near = [grouping, *crossed]
        said = [_list(bundle.LIMITS, self._bundle.exceeded), _list(bundle.REMARKS, self._bundle.remarks)]
        self._parts["Findings"].object = _body(*said, page.sentences(findings(audit, [metric], near)))
        self._parts["Groups"].object = _body(*(_head(audit, metric, g) + page.forest(audit, metric, g) for g in near))
        maps = [_head(audit, metric, g) + page.heat(audit, metric, g) for g in crossed if g.count(CROSS) == 1]
        self._parts["Intersections"].object = _body(*maps or [Markup("<p>This audit crosses no groupings.</p>")])
        self._parts["Modalities"].object = _sections(self._bundle.costs_section(grouping), self._bundle.mitigation_section())
        self._parts["Gaps"].object = _body(page.gaps(audit, [metric], near))
        self._parts["Compare"].object = self._compared(audit, metric, near)

    async def _beside(self, _: Any) -> None:
        self._other = await self._read(self._against.value) if self._against.value else None
        if self._bundle is not None:
            self._show()

    def _compared(self, audit: Audit, metric: str, near: list[str]) -> str:
        if self._other is None or self._bundle is None:
            return _body(Markup("<p>Choose a run that came before this one: another model, or another date.</p>"))
        try:
            tables = compare.bundles(self._other, self._bundle)
        except WorkbenchError as error:
            return _body(Markup('<p class="alert">{}</p>').format(error))
        table: pd.DataFrame = tables.get(audit.name, next(iter(tables.values())))
        shown = table[(table["metric"] == metric) & table["grouping"].isin(["overall", *near])]
        return _body(page.changes(shown), Markup('<p class="soft">{}</p>').format(compare.NOTE))

    def _file(self) -> StringIO:
        return StringIO(self._bundle.html() if self._bundle else NO_RUN)

    def _law(self) -> StringIO:
        return StringIO(self._bundle.ll144.summary() if self._bundle and self._bundle.ll144 else "")

    def __panel__(self) -> Any:
        return self._page


def _head(audit: Audit, metric: str, grouping: str) -> Markup:
    text = f"{audit.label(metric)} by {grouping}".replace("_", " ")
    return Markup("<h3>{}</h3>").format(text[0].upper() + text[1:])


def _list(title: str, lines: list[str]) -> Markup:
    return Markup("<h3>{}</h3>{}").format(title, page.bullets(lines)) if lines else Markup()


def _body(*parts: Markup) -> str:
    return str(Markup('<div class="audit sheet">{}</div>').format(Markup("").join(parts)))


def _sections(*sections: dict[str, Any] | None) -> str:
    return _body(*[Markup("<h2>{}</h2>{}").format(s["title"], s["body"]) for s in sections if s] or [NOTHING])
