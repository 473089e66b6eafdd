"""The audit page: ``panel serve apps/audit.py`` (or ``make audit``). Shows runs kept in MLflow and under ``artifacts/audits``."""

from pathlib import Path

import panel as pn

from workbench.audit import config, data, tracking
from workbench.audit.present import bundle
from workbench.views.audit.page import AuditPage
from workbench.zoo.progress import Progress

pn.extension(notifications=False)


def kept() -> dict:
    """Titles of kept runs → how to read them, folders first."""
    folders = sorted(Path("artifacts/audits").glob("*/bundle.json"), key=lambda p: -p.stat().st_mtime)
    found = {f"{p.parent.name} (folder)": lambda p=p: bundle.load(p.parent) for p in folders}
    return found | {f"{r['name']} ({r['run'][:8]})": lambda r=r: tracking.find(r["run"]) for r in tracking.runs()}


def first(progress: Progress) -> bundle.Bundle:
    """The default audit, kept for the next visitor."""
    asked = config.default()
    found = bundle.run(asked, progress)
    found.save(data.folder(asked))
    return found


AuditPage(kept, first).__panel__().servable()
