"""``workbench report``: the self-contained page of a session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import app


@app.command()
def report(
    session: Annotated[str, typer.Argument(help="A session's folder, or its id in the sessions folder.")],
    out: Annotated[Path | None, typer.Option(help="The HTML file; report.html in the session's folder otherwise.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the path and size as JSON.")] = False,
) -> None:
    """Write the report of a session: one HTML file that needs no network."""
    from workbench.report import build
    from workbench.sessions.store import Session
    from workbench.settings import sessions_dir

    folder = Path(session)
    opened = Session.open(folder if folder.exists() else sessions_dir() / session)
    path = build(opened, out)
    size = path.stat().st_size
    if as_json:
        typer.echo(json.dumps({"session": opened.id, "report": str(path), "bytes": size, "warnings": opened.warnings}))
    else:
        for warning in opened.warnings:
            typer.echo(f"note: {warning}", err=True)
        typer.echo(f"{path} ({size / 1000:.0f} kB)")
    if show:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())
