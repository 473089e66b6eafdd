"""Charts of the tuning page: the accuracy–fairness frontier, and the confusion matrix whose cells can be clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
from bokeh.models import ColumnDataSource, HoverTool, TapTool
from bokeh.transform import linear_cmap

from workbench.streams import Floats
from workbench.theme import ACCENT, INK, ON_SHADES, SECOND, SHADES
from workbench.views.charts import plain


class Frontier(pn.viewable.Viewer):
    """Accuracy against the gap between groups: a point a weight, the best ones joined, the present one marked."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._all = ColumnDataSource({"face": [], "accuracy": [], "gap": [], "colour": []})
        self._best = ColumnDataSource({"accuracy": [], "gap": []})
        self._here = ColumnDataSource({"accuracy": [], "gap": [], "low": [], "high": []})
        plot = plain(340, name="frontier", x_axis_label="gap, points (less is fairer)", y_axis_label="accuracy, %")
        plot.line("gap", "accuracy", source=self._best, line_color=ACCENT, line_width=2)
        dots = plot.scatter("gap", "accuracy", source=self._all, size=7, fill_color="colour", line_color=None, fill_alpha=0.8)
        plot.segment("gap", "low", "gap", "high", source=self._here, line_color=SECOND, line_width=2)
        plot.scatter("gap", "accuracy", source=self._here, size=15, marker="diamond", fill_color=SECOND, line_color=None)
        tips = [("face's share", "@face{0%}"), ("accuracy", "@accuracy{0.0} %"), ("gap", "@gap{0.0} points")]
        plot.add_tools(HoverTool(renderers=[dots], tooltips=tips))
        self._layout = pn.pane.Bokeh(plot, sizing_mode="stretch_width")

    def show(self, table: pd.DataFrame, accuracy: Sequence[float], gap: float) -> None:
        """Draw all weights, and the present point.

        Parameters
        ----------
        table : DataFrame
            As `training.tune.Tuner.frontier` gives it.
        accuracy : sequence of float
            Value, low and high of the present point, in [0, 1].
        gap : float
        """
        colour = np.where(table["best"], ACCENT, INK)
        self._all.data = {"face": table["face"], "accuracy": 100 * table["accuracy"], "gap": 100 * table["gap"], "colour": colour}
        best = table[table["best"]].sort_values("gap")
        self._best.data = {"accuracy": 100 * best["accuracy"], "gap": 100 * best["gap"]}
        value, low, high = (100 * x for x in accuracy)
        self._here.data = {"accuracy": [value], "gap": [100 * gap], "low": [low], "high": [high]}

    def __panel__(self) -> Any:
        return self._layout


class Confusion(pn.viewable.Viewer):
    """Share of each label's clips by fused class; `chosen(label, said)` is called when a cell is clicked.

    Parameters
    ----------
    classes : sequence of str
    chosen : callable
    """

    def __init__(self, classes: Sequence[str], chosen: Callable[[int, int], None], **params: Any) -> None:
        super().__init__(**params)
        self._k, self._chosen = len(classes), chosen
        label, said = np.divmod(np.arange(self._k**2), self._k)
        names = np.asarray(classes, dtype=object)
        blank = np.zeros(self._k**2)
        self._cells = ColumnDataSource(
            {"label": names[label], "said": names[said], "share": blank, "n": blank, "text": [""] * self._k**2, "ink": [INK] * self._k**2}
        )
        plot = plain(
            340,
            name="confusion",
            tools="tap",
            x_range=list(classes),
            y_range=list(classes)[::-1],
            x_axis_label="fused",
            y_axis_label="label",
        )
        fill = linear_cmap("share", list(SHADES["light"]), 0, 1)
        self._mapper = fill.transform
        self._colours = "light"
        cells = plot.rect(
            "said", "label", 0.96, 0.96, source=self._cells, fill_color=fill, line_color=None, nonselection_fill_alpha=1,
            selection_line_color=SECOND, selection_line_width=3,
        )  # fmt: skip
        words = plot.text("said", "label", "text", source=self._cells, text_color="ink", text_align="center", text_baseline="middle")
        words.glyph.text_font_size = "12px"
        words.nonselection_glyph = words.glyph
        plot.add_tools(HoverTool(renderers=[cells], tooltips=[("", "@label as @said: @n clips")]))
        plot.select_one(TapTool).renderers = [cells]
        plot.grid.visible = False
        plot.xaxis.major_label_orientation = 0.6
        self._cells.selected.on_change("indices", lambda _, __, now: self._on_tap(now))
        self._layout = pn.pane.Bokeh(plot, sizing_mode="stretch_width")

    def _on_tap(self, indices: list[int]) -> None:
        if indices:
            self._chosen(*divmod(indices[0], self._k))

    def show(self, table: Floats) -> None:
        """Draw counts of shape (k, k), rows are labels."""
        share = (table / np.maximum(table.sum(axis=1, keepdims=True), 1)).ravel()
        patch = {
            "share": share,
            "n": table.ravel(),
            "text": [f"{100 * s:.0f}" for s in share],
        }
        self._cells.data = {**self._cells.data, **patch, "ink": self._inks(share)}

    def _inks(self, share: Floats) -> list[str]:
        low, high = ON_SHADES[self._colours]
        return [high if s >= 0.5 else low for s in share]

    def colours(self, dark: bool) -> None:
        """Shades for a dark or for a light page."""
        self._colours = "dark" if dark else "light"
        self._mapper.palette = list(SHADES[self._colours])
        self._cells.data = {**self._cells.data, "ink": self._inks(self._cells.data["share"])}

    def __panel__(self) -> Any:
        return self._layout
