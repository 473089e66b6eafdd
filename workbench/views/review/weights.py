"""The live page's sliders over a stored session: on release everything is fused anew, and what differs is listed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui

from workbench import yaml_files
from workbench.errors import SettingsError, WorkbenchError
from workbench.sessions import differences, experiment, replay
from workbench.sessions.overview import Overview, of_replay
from workbench.settings import Settings
from workbench.views.review import html
from workbench.views.review.data import WIDE, Opened
from workbench.views.weights import EXPERIMENTS, Weights

STORED = "as stored"


class Sliders(Weights):
    """`Weights` that speak when a slider is released, and say in an address what was moved."""

    def _sliders(self) -> list[Any]:
        made: list[Any] = []
        for title, names in self.GROUPS.items():
            made.append(pn.pane.HTML(f"<h4 style='margin:8px 0 0'>{title}</h4>"))
            each = [
                (pmui.IntSlider if name == "commit_windows" else pmui.FloatSlider).from_param(
                    self.param[name], throttled=True, sizing_mode="stretch_width", size="small", css_classes=[f"weight-{name}"]
                )
                for name in names
            ]
            made += [pn.Row(*each[k : k + 2], sizing_mode="stretch_width") for k in range(0, len(each), 2)]
        return made

    def __init__(self, settings: Settings, changed: Callable[[Settings], None], saved: Callable[[Path], None], **params: Any) -> None:
        self._saved = saved
        super().__init__(settings, changed, **params)

    def _on_save(self) -> None:
        try:
            path = self.save(self._name.value_input or self._name.value)
        except WorkbenchError as error:
            return self.say(str(error), problem=True)
        return self._saved(path)

    def say(self, text: str, problem: bool = False) -> None:
        """A line below the sliders."""
        self._say(text, problem)

    def rebase(self, settings: Settings) -> None:
        """Start from other settings."""
        self._base = settings
        self.param.update(**Sliders.start(settings))

    @property
    def names(self) -> list[str]:
        return [n for group in self.GROUPS.values() for n in group]

    @property
    def moved(self) -> str:
        """What differs from where the sliders started, as ``visual:0.3,alpha:0.8``."""
        start = Sliders.start(self._base)
        return ",".join(f"{n}:{getattr(self, n):g}" for n in self.names if getattr(self, n) != start[n])

    def move(self, text: str) -> None:
        """Put the sliders where `moved` said they were.

        Raises
        ------
        SettingsError
            If it names no slider or a value beyond its ends.
        """
        values = Sliders.start(self._base)
        for part in filter(None, text.split(",")):
            name, _, value = part.partition(":")
            try:
                low, high = self.param[name].bounds if name in values else (1.0, 0.0)
                number = float(value)
            except ValueError:
                low, high, number = 1.0, 0.0, 0.0
            if not low <= number <= high:
                raise SettingsError(f"settings: {part!r} is no slider with a value in its range; sliders: {', '.join(values)}")
            values[name] = int(number) if name == "commit_windows" else number
        self.param.update(**values)

    @staticmethod
    def start(base: Settings) -> dict[str, Any]:
        """Where the sliders stand for some settings."""
        modalities, smoothing, composite = Weights.GROUPS.values()
        return (
            {n: base.fusion.weights.get(n, 0.0) for n in modalities}
            | {n: getattr(base.smoothing, n) for n in smoothing}
            | {n: base.scoring.composite.get(n, 0.0) for n in composite}
        )


class Refit(pn.viewable.Viewer):
    """Sliders, what to compare with, and the differences.

    Parameters
    ----------
    opened : Opened
    changed : callable
        ``changed(now, before)``: windows of the sliders' settings, and those to draw beneath.
    """

    def __init__(self, opened: Opened, changed: Callable[[Overview, Overview | None], None], **params: Any) -> None:
        super().__init__(**params)
        self.opened, self._changed = opened, changed
        self.result: replay.Replay | None = None
        self._runs = 0
        found = sorted(p.stem for p in EXPERIMENTS.glob("*.yaml")) if EXPERIMENTS.is_dir() else []
        options = [STORED, *(n for n in found if not n.startswith("audit"))]
        self.sliders = Sliders(opened.settings, self.refit, self._on_saved)
        self.base = pmui.Select(label="Sliders start from", options=options, value=STORED, margin=(14, 5, 5, 5), **WIDE)
        self.other = pmui.Select(label="Compare with", options=options, value=STORED, margin=(14, 5, 5, 5), **WIDE)
        self.base.param.watch(lambda _: self._try(self._load), "value")
        self.other.param.watch(lambda _: self._try(lambda: self.refit(self.sliders.settings)), "value")
        self.found = pn.pane.HTML(html.CSS + "<p>Move a slider: old and new are drawn over each other.</p>", sizing_mode="stretch_width")

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except WorkbenchError as error:
            self.sliders.say(str(error), problem=True)

    def _load(self) -> None:
        settings = self._named(self.base.value)
        self.sliders.rebase(settings)
        self.refit(self.sliders.settings)

    def _named(self, name: str) -> Settings:
        if name == STORED:
            return self.opened.settings
        path = EXPERIMENTS / f"{name}.yaml"
        values = {k: v for k, v in yaml_files.read(path).items() if k in replay.SECTIONS}
        return replay.overlay(self.opened.session, values, str(path))

    def refit(self, settings: Settings) -> None:
        """Fuse and score with these settings; show what differs.

        Raises
        ------
        SettingsError
            If the settings are impossible together.
        """
        self.result = now = replay.replay_session(self.opened.session, settings, self.opened.known)
        if self.other.value == STORED:
            self._before, scores = self.opened.stored, self.opened.session.score_messages
        else:
            other = replay.replay_session(self.opened.session, self._named(self.other.value), self.opened.known)
            self._before, scores = of_replay(other), other.scores
        drawn = of_replay(now)
        before = self._before or drawn
        self.differences = differences.between(before.start, before.fused.label, scores, now)
        self._runs += 1
        with pn.io.hold():
            self._changed(drawn, self._before)
            self.found.object = f"{html.differences(self.differences)}<i class='refit' data-run='{self._runs}'></i>"

    def _on_saved(self, path: Path) -> None:
        if self.result is None:
            self.refit(self.sliders.settings)
        self.sliders.say(f"Saved as {path}. Logging to MLflow …")
        assert self.result is not None
        task = (self.result, self.differences, self._before, path, pn.state.curdoc)
        threading.Thread(target=self._log, args=task, name="review-mlflow", daemon=True).start()

    def _log(self, result: replay.Replay, found: dict[str, Any], before: Overview | None, path: Path, document: Any) -> None:
        try:
            text = f"Saved as {path}; MLflow run {experiment.record(self.opened.session, result, found, path, before)}."
        except Exception as error:  # a full disk, a locked database, a server that is away: the YAML is kept all the same
            text = f"Saved as {path}; MLflow did not take the run ({type(error).__name__}: {(str(error) or '?').splitlines()[0]})."
        document.add_next_tick_callback(lambda: self.sliders.say(text))

    def __panel__(self) -> Any:
        return pn.Column(pn.Row(self.base, self.other, sizing_mode="stretch_width"), self.sliders, self.found, sizing_mode="stretch_width")
