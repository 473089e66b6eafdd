"""Sliders for fusion weights, smoothing and score weights, and saving them as an experiment."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
import yaml

from workbench.errors import SettingsError, WorkbenchError
from workbench.settings import Settings, from_dict

EXPERIMENTS = Path("experiments")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")


class Weights(pn.viewable.Viewer):
    """Calls `changed` with new settings whenever a slider moves.

    Parameters
    ----------
    settings : Settings
        Where the sliders start.
    changed : callable
        ``changed(settings)``; a `WorkbenchError` it raises is shown beside the sliders.
    """

    visual = param.Number(bounds=(0, 1), step=0.05, label="Face")
    audio = param.Number(bounds=(0, 1), step=0.05, label="Voice")
    alpha = param.Number(0.6, bounds=(0.05, 1), step=0.05, label="α: weight of the newest window")
    commit_windows = param.Integer(3, bounds=(1, 10), label="M: windows before a label changes")
    commit_delta = param.Number(bounds=(0, 1), step=0.05, label="δ: lead that changes it at once")
    uncertain = param.Number(bounds=(0, 1), step=0.05, label="Uncertain below")
    technical = param.Number(bounds=(0, 1), step=0.05, label="Technical")
    clarity = param.Number(bounds=(0, 1), step=0.05, label="Clarity")
    confidence = param.Number(bounds=(0, 1), step=0.05, label="Confidence")
    engagement = param.Number(bounds=(0, 1), step=0.05, label="Engagement")

    GROUPS = {
        "Modalities": ("visual", "audio"),
        "Smoothing": ("alpha", "commit_windows", "commit_delta", "uncertain"),
        "Composite score": ("technical", "clarity", "confidence", "engagement"),
    }

    def __init__(self, settings: Settings, changed: Callable[[Settings], None], **params: Any) -> None:
        self._base, self._changed = settings, changed
        smoothing = {n: getattr(settings.smoothing, n) for n in self.GROUPS["Smoothing"]}
        weights = {n: settings.fusion.weights.get(n, 0.0) for n in self.GROUPS["Modalities"]}
        composite = {n: settings.scoring.composite.get(n, 0.0) for n in self.GROUPS["Composite score"]}
        super().__init__(**weights, **smoothing, **composite, **params)
        self._message = pn.pane.HTML("", sizing_mode="stretch_width")
        self._name = pmui.TextInput(label="Save as experiments/NAME.yaml", placeholder="my-weights", sizing_mode="stretch_width")
        self._save = pmui.Button(
            label="Save these settings", variant="outlined", sizing_mode="stretch_width", on_click=lambda _: self._on_save()
        )
        names = [n for group in self.GROUPS.values() for n in group]
        self.param.watch(self._on_change, names)
        self._layout = pmui.Column(*self._sliders(), self._name, self._save, self._message, sizing_mode="stretch_width")

    def _sliders(self) -> list[Any]:
        made: list[Any] = []
        for title, names in self.GROUPS.items():
            made.append(pn.pane.HTML(f"<h3 style='margin:14px 0 0;font-size:14px'>{title}</h3>"))
            for name in names:
                kind = pmui.IntSlider if name == "commit_windows" else pmui.FloatSlider
                look = {"sizing_mode": "stretch_width", "size": "small", "css_classes": [f"weight-{name}"]}
                made.append(kind.from_param(self.param[name], throttled=True, **look))
        return made

    @property
    def settings(self) -> Settings:
        """The settings that the sliders say.

        Raises
        ------
        SettingsError
            If they are impossible together.
        """
        tree = self._base.echo()
        tree["fusion"]["weights"] |= {n: getattr(self, n) for n in self.GROUPS["Modalities"]}
        tree["smoothing"] |= {n: getattr(self, n) for n in self.GROUPS["Smoothing"]}
        tree["scoring"]["composite"] |= {n: getattr(self, n) for n in self.GROUPS["Composite score"]}
        return from_dict(tree, "sliders", environment=False)

    def _on_change(self, *_: Any) -> None:
        try:
            self._changed(self.settings)
            self._say("")
        except WorkbenchError as error:
            self._say(str(error), problem=True)

    def _on_save(self) -> None:
        try:
            self._say(f"Saved as {self.save(self._name.value_input or self._name.value)}.")
        except WorkbenchError as error:
            self._say(str(error), problem=True)

    def save(self, name: str) -> Path:
        """Write the settings to ``experiments/NAME.yaml``; an existing file is kept.

        Raises
        ------
        SettingsError
            If the name is no plain file name, exists, or cannot be written.
        """
        return store(name, self.settings.echo())

    def _say(self, text: str, problem: bool = False) -> None:
        self._message.object = f"<p style='color:{'var(--error)' if problem else 'inherit'};font-size:13px;margin:4px 0'>{escape(text)}</p>"

    def __panel__(self) -> Any:
        return self._layout


def store(name: str, values: dict[str, Any]) -> Path:
    """Write settings to ``experiments/NAME.yaml``; an existing file is kept.

    Raises
    ------
    SettingsError
        If the name is no plain file name, exists, or cannot be written.
    """
    if not _NAME.fullmatch(name.strip()):
        raise SettingsError(f"experiments: {name!r} is not a name; use letters, digits, - and _")
    path = EXPERIMENTS / f"{name.strip()}.yaml"
    try:
        EXPERIMENTS.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            yaml.safe_dump(values, file, sort_keys=False)
    except FileExistsError:
        raise SettingsError(f"{path}: exists already; choose another name") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written ({error.strerror}); start the server where you may write") from None
    return path
