"""The live page as a person would start it, for browser tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.benchmarks.serving import served


@dataclass
class Server:
    """A running server in a folder of its own."""

    url: str
    pid: int
    folder: Path

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://").removesuffix("/live")

    @property
    def sessions(self) -> Path:
        return self.folder / "sessions"

    def folders(self) -> list[Path]:
        return sorted(p.parent for p in self.sessions.glob("*/header.json"))


@contextmanager
def serve(folder: Path, *options: str) -> Iterator[Server]:
    """Start the page on a free port and wait until it listens; `options` such as ``--plugins workbench.live``."""
    with served("live", folder, *options, environment={"WORKBENCH_SESSIONS": str(folder / "sessions")}) as running:
        yield Server(running.address, running.pid, folder)
