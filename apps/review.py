"""The review page: ``panel serve apps/review.py`` (or ``make review``)."""

import panel as pn

from workbench import settings
from workbench.views.review.page import ReviewPage

pn.extension("tabulator", notifications=False)
page = ReviewPage.at(settings.sessions_dir(), pn.state.session_args)
if pn.state.location is not None:
    pn.state.location.sync(page, ["session", "time", "settings"])
page.__panel__().servable()
