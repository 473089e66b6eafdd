"""The live page. Best started with its media socket: ``panel serve apps/live.py --plugins workbench.live`` (or ``make live``)."""

import panel as pn

from workbench import sample, settings
from workbench.views.live.page import LivePage

pn.extension(notifications=False)
LivePage(settings.load(), sample.build).attach().__panel__().servable()
