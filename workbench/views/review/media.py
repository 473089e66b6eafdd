"""Where the browser gets a session's recording: only files that a page has offered, with byte ranges, under `panel serve`."""

from __future__ import annotations

import gc
import secrets
from functools import cache
from pathlib import Path
from typing import Any

from tornado.web import HTTPError, StaticFileHandler

PREFIX = "workbench/media/"
_offered: dict[str, Path] = {}


class MediaHandler(StaticFileHandler):
    """Serves what was offered, and nothing else."""

    def parse_url_path(self, url_path: str) -> str:
        path = _offered.get(url_path)
        if path is None or not path.is_file():
            raise HTTPError(404)
        return str(path)

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        return path

    def validate_absolute_path(self, root: str, absolute_path: str) -> str:
        return absolute_path

    def compute_etag(self) -> None:
        """None: it would be made by hashing the whole recording."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "private")


@cache
def offer(path: Path) -> str:
    """The address, relative to a page of this server, of one media file; nobody can guess it."""
    _mount()
    token = secrets.token_urlsafe(16)
    _offered[token] = path.resolve()
    return PREFIX + token


@cache
def _mount() -> None:
    """Add the route to the running server. Nothing public leads from a document to its server: the application is looked for."""
    from bokeh.server.tornado import BokehTornado

    servers: list[Any] = [o for o in gc.get_objects() if type(o) is BokehTornado]
    for server in servers:
        server.add_handlers(".*", [(rf"{server.prefix}/{PREFIX}([\w-]+)", MediaHandler, {"path": ""})])
