"""``workbench serve``: the pages, from any folder."""

from __future__ import annotations

import errno
import socket
import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from workbench import bundled, extras
from workbench.cli import app
from workbench.errors import WorkbenchError


@dataclass(frozen=True)
class Page:
    """A page: what it is for, and libraries without which it cannot be opened."""

    title: str
    modules: tuple[str, ...]


_PANEL = ("panel", "panel_material_ui", "bokeh")
PAGES: dict[str, Page] = {
    "live": Page("Live: evaluate an interview as it takes place", (*_PANEL, "prometheus_client", "mediapipe", "whisperx", "av", "pyarrow")),
    "tune": Page("Tune: compare fusion strategies and weights", _PANEL),
    "review": Page("Review: read and correct stored sessions", (*_PANEL, "av", "pyarrow", "duckdb")),
    "audit": Page("Audit: compare predictions between groups of people", (*_PANEL, "fairlearn")),
}


@app.command()
def serve(
    page: Annotated[str, typer.Argument(metavar="[PAGE]", help=f"One of {', '.join(PAGES)}; all of them where left out.")] = "",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 5006,
    address: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines connect.")] = "127.0.0.1",
    origin: Annotated[
        list[str] | None, typer.Option(help="HOST:PORT by which browsers reach this server, where it is another; may be given again.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Serve the pages: live, tune, review, audit."""
    pages = _pages(page)
    _check_free(address, port)
    host = "localhost" if address in ("127.0.0.1", "0.0.0.0", "::") else address
    sys.stderr.writelines(f"workbench: {PAGES[name].title}: http://{host}:{port}/{name}\n" for name in pages)
    sys.argv = ["panel", *_arguments(pages, port, address, origin or [], open_)]
    from panel.command import main

    main()


def _pages(wanted: str) -> list[str]:
    """Names of the pages to serve; those whose libraries are missing are left out where nobody asked for one by name."""
    if wanted and wanted not in PAGES:
        raise WorkbenchError(f"serve: no page is called {wanted!r}; choose one of {', '.join(PAGES)}")
    pages = []
    for name in [wanted] if wanted else PAGES:
        absent = next((m for m in PAGES[name].modules if not extras.installed(m)), None)
        if absent is None:
            pages.append(name)
            continue
        error = extras.needed(absent, name if name in extras.MODULES else "audit")
        if wanted:
            raise error
        sys.stderr.write(f"workbench: the page {name} is left out: {error}\n")
    if not pages:
        raise WorkbenchError(f"serve: no page can be served; pip install '{extras.PACKAGE}[all]'")
    return pages


def _check_free(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                why = f"port {port} is in use; stop the other server, or choose another port with --port"
            elif error.errno == errno.EACCES:
                why = f"port {port} may not be used by this account; choose one above 1023 with --port"
            else:
                why = f"{address} is not an address of this machine ({error.strerror or error}); see --address"
            raise WorkbenchError(f"serve: {why}") from None


def _arguments(pages: list[str], port: int, address: str, origins: list[str], open_: bool) -> list[str]:
    """What ``panel serve`` is called with."""
    hosts = dict.fromkeys([f"localhost:{port}", f"127.0.0.1:{port}", f"{address}:{port}", *origins])
    arguments = ["serve", *(str(bundled.own(f"apps/{name}.py")) for name in pages)]
    arguments += ["--index", str(bundled.own("apps/index.html"))]
    arguments += ["--port", str(port), "--address", address, "--index-titles", *(f"/{n}={PAGES[n].title}" for n in pages)]
    for host in hosts:
        arguments += ["--allow-websocket-origin", host]
    arguments += ["--plugins", "workbench.live"] if "live" in pages else []
    return arguments + (["--show"] if open_ else [])
