"""The frame of every page: one title bar, one set of colours, light or dark as the visitor's browser prefers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import panel_material_ui as pmui
import param
from panel.custom import JSComponent

from workbench import theme

CARD: dict[str, Any] = {"collapsible": False, "title_variant": "h6", "sizing_mode": "stretch_width", "margin": 8}
"""Look of a card."""
_CALM = "@media (prefers-reduced-motion: reduce) { *, ::before, ::after { transition: none !important; animation: none !important; } }"
_BAR = {".MuiAppBar-root": {"backgroundColor": theme.LIGHT.accent, "color": theme.LIGHT.on_accent, "backgroundImage": "none"}}
_MATERIAL = {
    name: {
        "palette": {
            "primary": {"main": scheme.accent, "contrastText": scheme.on_accent},
            "error": {"main": scheme.error, "contrastText": scheme.on_accent},
        }
    }
    for name, scheme in (("light", theme.LIGHT), ("dark", theme.DARK))
}


class Follower(JSComponent):
    """Makes the page that it lies in dark or light as the browser prefers, and opens the sidebar where there is room; invisible.

    It does so in the browser: what the server answers while a page is still being drawn is lost.
    """

    sidebar = param.Boolean(default=False, doc="whether the page has a sidebar")

    _esm = """export function render({model, view}) {
      let page = view; while (page.parent) page = page.parent;
      const dark = matchMedia('(prefers-color-scheme: dark)'), wide = matchMedia('(min-width: 900px)');
      const colours = () => { page.model.data.dark_theme = dark.matches };
      const sidebar = () => { if (model.sidebar) page.model.data.sidebar_open = wide.matches };
      const queries = [[dark, colours], [wide, sidebar]];
      for (const [query, follow] of queries) { setTimeout(follow); query.addEventListener('change', follow); }
      return () => queries.forEach(([query, follow]) => query.removeEventListener('change', follow));
    }"""


def page(name: str, *main: Any, sidebar: Sequence[Any] = (), sidebar_width: int = 300, **more: Any) -> pmui.Page:
    """A page whose colours follow the browser, and whose sidebar is open where there is room beside the figures.

    Parameters
    ----------
    name : str
        What the page is for; stands in the title bar.
    main, sidebar : components
    sidebar_width : int
        Pixels.
    more
        Further options of `panel_material_ui.Page`.
    """
    follower = Follower(sidebar=bool(sidebar), margin=0)
    return pmui.Page(
        title=f"Interview Workbench: {name}", main=[pmui.Column(*main, follower, sizing_mode="stretch_width")], sidebar=list(sidebar),
        sidebar_width=sidebar_width, sidebar_open=not sidebar, raw_css=[theme.css(":root"), _CALM], theme_config=_MATERIAL, sx=_BAR,
        **{"theme_toggle": True, **more},
    )  # fmt: skip
