"""The server's routes for live sessions: the media socket, `/metrics`, reports.

``panel serve apps/live.py --plugins workbench.live`` mounts them and loads the models before the first visitor comes.
Without the flag the page works too: media then travels as Panel messages, and the models are loaded when the first page opens.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from tornado.web import RequestHandler

from workbench import settings as tree
from workbench.capture import browser
from workbench.live.pool import model_pool
from workbench.live.prometheus import MetricsHandler

_reports: dict[str, Path] = {}


def offer(report: Path) -> str:
    """An address of this server, relative to the page, at which a report can be opened by whoever knows it."""
    token = secrets.token_urlsafe(16)
    _reports[token] = report
    return f"workbench/report/{token}"


class ReportHandler(RequestHandler):
    """Serves the reports that were offered."""

    def get(self, token: str) -> None:
        path = _reports.get(token)
        if path is None or not path.exists():
            self.set_status(404)
            self.finish("This report is not offered here (any more); it lies in its session's folder as report.html.")
            return
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(path.read_bytes())


def routes() -> list[tuple[str, type]]:
    """The routes for ``panel serve --plugins``; loads the models on the way, before the server listens."""
    browser.mounted = True
    models = model_pool(tree.load())
    sys.stderr.write("workbench: loading models ...\n")
    models.open(sets=2)
    sys.stderr.write(f"workbench: {models.error or 'models are loaded and warm'}\n")
    return [*browser.ROUTES, (r"/metrics", MetricsHandler), (r"/workbench/report/([\w-]+)", ReportHandler)]
