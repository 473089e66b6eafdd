"""The tuning page: move weights, temperatures and thresholds; see what that does, to whom, and how sure it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from workbench.errors import WorkbenchError
from workbench.evaluation.bootstrap import Interval
from workbench.training import tune
from workbench.training.tune import WEIGHTS, Point, PointFigures, Tuner
from workbench.views.page import CARD, page
from workbench.views.tune.charts import Confusion, Frontier
from workbench.views.weights import store

NAMES = {"accuracy": "Accuracy", "macro_f1": "Macro-F1", "ece": "Calibration error (ECE)", "gap": "Worst-group gap"}
SLIDERS = "the sliders' weights"
CALIBRATIONS = {"none": "as they are", "temperature": "temperature, fitted", "dirichlet": "Dirichlet, fitted"}
_CSS = """
.tune-cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:10px}
.tune-cards>div{border:1px solid var(--line);border-radius:8px;padding:10px 14px}
.tune-cards small{display:block;font-size:13px;color:var(--soft)}
.tune-cards b{display:block;font-size:26px;font-weight:600;line-height:1.3}
.tune-sentence{font-size:20px;line-height:1.35;margin:2px 0 12px}
.tune-note{font-size:13px;color:var(--soft);margin:8px 0 0}
"""


class Sliders(pn.viewable.Viewer):
    """Everything that can be moved, and the point that it makes."""

    strategy: Any = param.Selector(default=WEIGHTS, objects={SLIDERS: WEIGHTS}, label="Fused by")
    visual = param.Number(0.6, bounds=(0, 1), step=0.05, label="Face")
    audio = param.Number(0.4, bounds=(0, 1), step=0.05, label="Voice")
    method: Any = param.Selector(default="none", objects={text: name for name, text in CALIBRATIONS.items()}, label="Calibration first")
    t_visual = param.Number(1.0, bounds=(0.2, 3), step=0.05, label="Face")
    t_audio = param.Number(1.0, bounds=(0.2, 3), step=0.05, label="Voice")
    t_fused = param.Number(1.0, bounds=(0.2, 3), step=0.05, label="Fused")
    min_visual = param.Number(0.0, bounds=(0, 1), step=0.05, label="Face counts from")
    min_audio = param.Number(0.0, bounds=(0, 1), step=0.05, label="Voice counts from")
    uncertain = param.Number(0.45, bounds=(0, 1), step=0.05, label="Uncertain below")
    grouping: Any = param.Selector(default="sex", objects=["sex"], label="Gap by")

    GROUPS = {
        "Strategy": ("strategy",),
        "Weights": ("visual", "audio"),
        "Probabilities": ("method",),
        "Temperatures (above 1: less sure)": ("t_visual", "t_audio", "t_fused"),
        "Thresholds": ("min_visual", "min_audio", "uncertain"),
        "Fairness": ("grouping",),
    }

    def __init__(self, groupings: list[str], strategies: list[str], **params: Any) -> None:
        super().__init__(**params)
        self.param["strategy"].objects = {SLIDERS if s == WEIGHTS else s.replace("_", " "): s for s in strategies}
        self.param["grouping"].objects = {g.replace("_", " "): g for g in groupings}
        self.grouping = groupings[0]
        made: list[Any] = []
        for title, names in self.GROUPS.items():
            made.append(pn.pane.HTML(f"<h3 style='margin:12px 0 0;font-size:14px'>{escape(title)}</h3>"))
            for name in names:
                kind, more = (pmui.FloatSlider, {"format": "0.00"}) if isinstance(self.param[name], param.Number) else (pmui.Select, {})
                look = {"sizing_mode": "stretch_width", "size": "small", "css_classes": [f"tune-{name}"], **more}
                made.append(kind.from_param(self.param[name], **look))
        self._layout = pmui.Column(*made, sizing_mode="stretch_width")

    @property
    def names(self) -> list[str]:
        return [name for group in self.GROUPS.values() for name in group]

    @property
    def point(self) -> Point:
        return Point(
            {"visual": self.visual, "audio": self.audio},
            {"visual": self.t_visual, "audio": self.t_audio, "fused": self.t_fused},
            {"visual": self.min_visual, "audio": self.min_audio},
            self.uncertain, self.method, self.grouping, self.strategy,
        )  # fmt: skip

    def __panel__(self) -> Any:
        return self._layout


class TunePage(pn.viewable.Viewer):
    """One visitor's page.

    Parameters
    ----------
    load : callable
        Gives the corpus's `Tuner`; a `WorkbenchError` it raises is all that the page then shows.
    """

    def __init__(self, load: Callable[[], Tuner]) -> None:
        super().__init__()
        self._notice = pmui.Alert(title="", visible=False, severity="error", sizing_mode="stretch_width")
        try:
            self._tuner = load()
        except WorkbenchError as error:
            self._tell(str(error), "error")
            self._layout = page(TITLE, self._notice)
            return
        self._cell: tuple[int, int] | None = None
        self._looked: set[str] = set()
        self.sliders = Sliders(self._tuner.groupings, self._tuner.strategies)
        self._figures = pn.pane.HTML("", stylesheets=[_CSS], sizing_mode="stretch_width")
        self._frontier, self._confusion = Frontier(), Confusion(self._tuner.samples.classes, self._choose)
        self._about = pn.pane.HTML("", stylesheets=[_CSS], sizing_mode="stretch_width")
        self._clips = pn.widgets.Tabulator(
            None, disabled=True, show_index=False, pagination="local", page_size=10, layout="fit_data_fill", visible=False,
            sizing_mode="stretch_width",
        )  # fmt: skip
        self._name = pmui.TextInput(label="Save as experiments/NAME.yaml", placeholder="my-fusion", sizing_mode="stretch_width")
        self._save = pmui.Button(
            label="Save as experiment", variant="outlined", sizing_mode="stretch_width", on_click=lambda _: self._on_save()
        )
        self._log = pmui.Button(label="Log to MLflow", variant="outlined", sizing_mode="stretch_width")
        self._log.on_click(self._on_log)
        self._said = pn.pane.HTML("", sizing_mode="stretch_width")
        self.sliders.param.watch(lambda _: self.show(), self.sliders.names)
        self._layout = self._page()
        self.show()

    def _page(self) -> Any:
        def card(*items: Any, title: str) -> Any:
            return pmui.Card(*items, title=title, **CARD)

        half = {"xs": 12, "md": 6}
        main = pmui.Grid(
            pmui.Grid(card(self._figures, title=f"{self._tuner.samples.source}"), size=12),
            pmui.Grid(card(self._frontier, _html(LEGEND), title="All weights: accuracy and gap"), size=half),
            pmui.Grid(card(self._confusion, _html("Click a cell to see its clips."), title="Confusion, % of a label's clips"), size=half),
            pmui.Grid(card(self._about, self._clips, title="Clips"), size=12),
            container=True,
            sizing_mode="stretch_width",
        )
        side = pmui.Column(self.sliders, self._name, self._save, self._log, self._said, sizing_mode="stretch_width")
        made = page(TITLE, self._notice, main, sidebar=[side], sidebar_width=290)
        made.param.watch(lambda event: self._confusion.colours(event.new), "dark_theme")
        return made

    def show(self) -> None:
        """Evaluator where the sliders stand, and draw it."""
        point = self.sliders.point
        try:
            found, table = self._tuner.evaluate(point), self._tuner.frontier(point)
        except WorkbenchError as error:
            self._tell(str(error), "warning")
            return
        self._tell("")
        self._looked.add(repr(point))
        accuracy = found.figures["accuracy"]
        with pn.io.hold():
            self._frontier.show(table, (accuracy.value, accuracy.low, accuracy.high), found.figures["gap"].value)
            self._confusion.show(found.confusion)
            if self._cell:
                self._list(*self._cell)
            self._figures.object = figures(found, point, self._tuner, len(self._looked))

    def _choose(self, label: int, said: int) -> None:
        self._cell = (label, said)
        with pn.io.hold():
            self._list(label, said)

    def _list(self, label: int, said: int) -> None:
        table = self._tuner.clips(self.sliders.point, label, said)
        names = self._tuner.samples.classes
        self._about.object = (
            f"<p class='tune-clips'><b>{len(table)} clips of {escape(names[label])} fused as {escape(names[said])}</b>, the surest first; "
            f"the first three votes of those who saw the face, heard the voice, or both.</p>"
        )
        self._clips.param.update(value=table, visible=True, page=1)

    def _on_save(self) -> None:
        try:
            path = store(self._name.value_input or self._name.value, self._tuner.experiment(self.sliders.point))
            self._say(f"Saved as {path}: workbench evaluate MEDIA --settings {path}")
        except WorkbenchError as error:
            self._say(str(error), problem=True)

    async def _on_log(self, _: Any) -> None:
        self._log.loading = True
        point = self.sliders.point
        try:
            run = await asyncio.to_thread(lambda: tune.log(self._tuner, point, self._tuner.evaluate(point)))
            self._say(f"Kept as MLflow run {run}.")
        except Exception as error:  # a store that cannot be reached has no one type
            self._say(str(error).splitlines()[0], problem=True)
        finally:
            self._log.loading = False

    def _say(self, text: str, problem: bool = False) -> None:
        self._said.object = f"<p style='color:{'var(--error)' if problem else 'inherit'};font-size:13px;margin:4px 0'>{escape(text)}</p>"

    def _tell(self, text: str, severity: str = "info") -> None:
        self._notice.param.update(object=text, severity=severity, visible=bool(text))

    def __panel__(self) -> Any:
        return self._layout


def _html(text: str) -> Any:
    return pn.pane.HTML(f"<p class='tune-note'>{text}</p>", stylesheets=[_CSS], sizing_mode="stretch_width")


LEGEND = "Diamond: the sliders. Dots: from voice alone to face alone; blue where no other weight is both more accurate and fairer."
TITLE = "tuning fusion"


def figures(found: PointFigures, point: Point, tuner: Tuner, looked: int) -> str:
    """The sentence and the four figures as HTML; ``data-point`` says which sliders they belong to."""

    def card(name: str) -> str:
        value, change = found.figures[name], found.versus_average[name]
        scale, unit = (1, "") if name == "ece" else (100, " %" if name != "gap" else " points")
        title = NAMES[name] + (f" by {point.grouping.replace('_', ' ')} (lowest: {found.worst})" if name == "gap" else "")
        to = f"to equal average:<br>{_number(change.value, scale, '+')} {_ends(change, scale, '+')}"
        return (
            f"<div data-figure='{name}'><small>{escape(title)}</small><b>{_number(value.value, scale)}{unit}</b>"
            f"<small>{_ends(value, scale)}</small><small>{to}</small></div>"
        )

    share, right = found.certain
    certain = f"{100 * share:.0f} % of clips are certain enough ({point.uncertain:g} or more)" + (
        f"; of these {100 * right:.1f} % are right." if share else "."
    )
    people = "{} people are tuned on, {} held out".format(*tuner.people)
    return (
        f"<div class='tune-figures' data-point='{escape(repr(point), quote=True)}'>"
        f"<p class='tune-sentence'><b>{escape(found.sentence)}</b></p>"
        f"<div class='tune-cards'>{''.join(card(n) for n in NAMES)}</div>"
        f"<p class='tune-note'>{certain} {people}; intervals are 95 %, bootstrap over people. "
        f"Held-out people were looked at for {looked} setting{'s' if looked > 1 else ''}: the more often, the less they prove.</p></div>"
    )


def _number(value: float, scale: float, sign: str = "") -> str:
    return f"{scale * value:{sign}.{3 if scale == 1 else 1}f}" if value == value else "–"


def _ends(v: Interval, scale: float, sign: str = "") -> str:
    return f"[{_number(v.low, scale, sign)}, {_number(v.high, scale, sign)}]"
