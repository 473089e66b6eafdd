"""`panel serve apps/review.py` as a person would start it, for browser tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.benchmarks.serving import served


@contextmanager
def serve(sessions: Path, working: Path) -> Iterator[str]:
    """Serve a folder of sessions on a free port; `working` is where experiments and runs are written. Gives the page's address."""
    with served("review", working, environment={"WORKBENCH_SESSIONS": str(sessions)}) as server:
        yield server.visit()
