"""How charts look on every page: transparent on whatever the page is, one font size, and blocks of a timeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import LinearAxis
from bokeh.plotting import figure

from workbench.streams import Floats
from workbench.theme import INK

BLOCK: dict[str, Any] = {
    "height": "height", "fill_color": "colour", "fill_alpha": "fill", "hatch_pattern": "hatch", "hatch_color": "colour",
    "hatch_scale": 7, "hatch_weight": 2, "line_color": None,
}  # fmt: skip
"""Glyph options of a timeline's blocks, whose columns `look` gives."""
WHOLE: dict[str, Any] = {"height": 0.7, "fill": 1.0, "hatch": " "}
"""Columns of a block that is no estimate: speech, an answer."""
KEY = "taller: more probable; hatched: uncertain"


def look(p: Floats, uncertain: Any) -> dict[str, Any]:
    """Columns of blocks that stand for a label: the taller the more probable, hatched where uncertain.

    Parameters
    ----------
    p : ndarray
        Probability of each block's label, in [0, 1].
    uncertain : sequence of bool

    Returns
    -------
    dict
        ``height`` as a share of the lane, ``fill`` (opacity) and ``hatch``.
    """
    doubt = np.asarray(uncertain, bool)
    return {"height": 0.3 + 0.6 * np.asarray(p, float), "fill": np.where(doubt, 0.2, 1.0), "hatch": np.where(doubt, "/", " ").tolist()}


def plain(height: int, **options: Any) -> Any:
    """An empty figure; `options` are those of Bokeh's ``figure``. The page colours its text for light or dark."""
    plot = figure(height=height, sizing_mode="stretch_width", toolbar_location=None, **{"tools": "", **options})
    plot.background_fill_alpha = plot.border_fill_alpha = 0
    plot.outline_line_alpha, plot.grid.grid_line_alpha = 0.2, 0.15
    style(plot.axis)
    return plot


def second_axis(plot: Any, name: str, label: str) -> None:
    """Add an axis on the right for the extra range `name`."""
    axis = LinearAxis(y_range_name=name, axis_label=label)
    style(axis)
    plot.add_layout(axis, "right")


def style(axis: Any) -> None:
    """Colours and fonts of an axis, or of several."""
    axis.axis_label_text_color = axis.major_label_text_color = axis.axis_line_color = axis.major_tick_line_color = INK
    axis.minor_tick_line_color = None
    axis.major_label_text_font_size = axis.axis_label_text_font_size = "12px"
    axis.axis_label_text_font_style = "normal"
