"""The tuning page: ``panel serve apps/tune.py`` (or ``make tune``), over CREMA-D's votes (generated ones where
CREMA-D is not there) or ``?corpus=NAME``."""

import panel as pn

from workbench.corpora import generated
from workbench.training import catalogue
from workbench.training.tune import Tuner
from workbench.views.tune.page import TunePage

pn.extension("tabulator", notifications=False)
asked = pn.state.session_args.get("corpus", [generated.default_votes().encode()])[0].decode()
TunePage(lambda: pn.state.as_cached(f"tuner-{asked}", lambda: Tuner(catalogue.load(asked)).warm())).__panel__().servable()
