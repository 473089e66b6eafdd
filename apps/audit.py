"""The audit page: ``panel serve apps/audit.py`` (or ``make audit``). Shows runs kept in MLflow and under ``artifacts/audits``."""

from pathlib import Path

import panel as pn

from workbench.audit import bundle, config, tracking
from workbench.views.audit_page import AuditPage

DEFAULT = Path(__file__).parents[1] / "experiments" / "audit_default.yaml"

pn.extension(notifications=False)


def kept() -> dict:
    """Titles of kept runs → how to read them, folders first."""
    folders = sorted(Path("artifacts/audits").glob("*/bundle.json"), key=lambda p: -p.stat().st_mtime)
    found = {f"{p.parent.name} (folder)": lambda p=p: bundle.load(p.parent) for p in folders}
    return found | {f"{r['name']} ({r['run'][:8]})": lambda r=r: tracking.find(r["run"]) for r in tracking.runs()}


AuditPage(kept, lambda progress: bundle.run(config.load(DEFAULT), progress)).__panel__().servable()
