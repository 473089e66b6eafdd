"""``workbench sample …``: the sample interview."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import app

sample = typer.Typer(help="The sample interview: stock footage, synthetic voice.", no_args_is_help=True)
app.add_typer(sample, name="sample")


@sample.callback()
def _group() -> None:
    """Keep `build` a command of its own."""


@sample.command()
def build(
    out: Annotated[Path | None, typer.Option(help="Folder to write into; the cache where left out.")] = None,
    force: Annotated[bool, typer.Option(help="Make it again although it is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Make the one-minute sample interview; one that is there is kept."""
    from workbench.sample import build as make

    paths = {key: str(path) for key, path in vars(make(out, force)).items()}
    sys.stdout.write(json.dumps(paths, indent=2) + "\n" if as_json else "".join(f"{k}: {v}\n" for k, v in paths.items()))
