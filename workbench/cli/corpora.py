"""``workbench corpora …``: corpora that the workbench builds itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import app
from workbench.errors import CorpusError

corpora = typer.Typer(help="Corpora: build.", no_args_is_help=True)
app.add_typer(corpora, name="corpora")


@corpora.callback()
def _group() -> None:
    """Keep `build` a command of its own."""


@corpora.command()
def build(
    name: Annotated[str, typer.Argument(help="accents: the sample's answers in synthetic voices.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write into; the cache where left out.")] = None,
    force: Annotated[bool, typer.Option(help="Make it anew.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Generate a corpus (once; later calls find it)."""
    if name != "accents":
        raise CorpusError(f"{name!r} cannot be built; accents can")
    from workbench.corpora import accents

    made = accents.build(out, force=force)
    found = {"folder": str(made.folder), "recordings": len(made.recordings), "fingerprint": made.fingerprint, "what": accents.LABEL}
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if as_json else "".join(f"{k}: {v}\n" for k, v in found.items()))
