"""The server's routes for live sessions: the media socket, `/metrics`, reports.

``panel serve apps/live.py --plugins workbench.live`` mounts them and loads the models before the first visitor comes.
Without the flag the page works too: media then travels as Panel messages, and the models are loaded when the first page opens.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import threading
import time
from pathlib import Path

from tornado.ioloop import IOLoop
from tornado.web import RequestHandler

from workbench import settings as tree
from workbench.capture import browser
from workbench.live.pool import model_pool
from workbench.live.prometheus import MetricsHandler, running

_GRACE = 18.0
"""s that sessions get to end when the server is told to stop; service managers wait 20 s and more."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_SHOWN = 1.5
"""s for pages to show that their session has ended."""
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


def end_sessions(reason: str, grace: float = _GRACE) -> int:
    """Stop all sessions properly (windows, scores, video) and wait for them; gives how many had not ended in time."""
    sessions = running()
    for session in sessions:
        session.stop(reason)
    deadline = time.monotonic() + grace
    return sum(not session.ended.wait(max(0.0, deadline - time.monotonic())) for session in sessions)


def end_sessions_on_signal() -> None:
    """From now on SIGTERM, SIGINT and a closed terminal first end the sessions, while their pages go on.

    A second signal stops the server at once.

    Must be called by the server's event loop, once it runs: the server sets its own handlers when it starts.
    """
    loop = IOLoop.current()

    def handle(number: signal.Signals) -> None:
        for each in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(each, loop.stop)
        if not running():
            sys.stderr.write(f"workbench: stopped by {number.name}\n")
            loop.stop()
            return
        sys.stderr.write("workbench: ending the live sessions before the server stops ...\n")
        threading.Thread(target=end, name="live-end", daemon=True).start()

    def end() -> None:
        if late := end_sessions("the server was stopped"):
            sys.stderr.write(f"workbench: {late} sessions had not ended; complete them with `workbench sessions finish`\n")
        time.sleep(_SHOWN)
        loop.add_callback(loop.stop)

    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` sets it for closed terminals
            asyncio.get_running_loop().add_signal_handler(number, handle, number)


def routes() -> list[tuple[str, type]]:
    """The routes for ``panel serve --plugins``; loads the models on the way, before the server listens."""
    browser.mounted = True
    models = model_pool(tree.load())
    sys.stderr.write("workbench: loading models ...\n")
    models.open(sets=2)
    IOLoop.current().add_callback(end_sessions_on_signal)  # runs once the server does
    sys.stderr.write(f"workbench: {models.error or 'models are loaded and warm'}\n")
    return [*browser.ROUTES, (r"/metrics", MetricsHandler), (r"/workbench/report/([\w-]+)", ReportHandler)]
