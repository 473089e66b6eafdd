"""``workbench models …``: what weights there are, where they lie, and whether they are sound."""

import json
import sys
from typing import Annotated

import typer

from workbench.cli import app
from workbench.errors import WeightsError

models = typer.Typer(help="Weights: list, fetch, check, describe.", no_args_is_help=True)
app.add_typer(models, name="models")
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Names = Annotated[list[str] | None, typer.Argument(help="Names as in `workbench models list`.")]


@models.command("list")
def list_(as_json: AsJson = False) -> None:
    """List every known entry and whether it is on this machine."""
    from workbench import zoo

    rows = zoo.status()
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "kind", "set", "MB", "here")
    table.columns[0].no_wrap = True
    for row in rows:
        size = f"{row['size'] / 1e6:.1f}" if row["size"] else "–"
        table.add_row(row["name"], row["kind"], row["set"], size, "yes" if row["present"] else "no")
    Console().print(table)


@models.command()
def pull(names: Names = None, every: Annotated[bool, typer.Option("--all", help="Also options and test media.")] = False) -> None:
    """Fetch weights into the cache: those named, or what `evaluate` and the sample interview need."""
    from workbench import zoo

    found = zoo.pull([e.name for e in zoo.entries()] if every else names or None)
    for name, path in found.items():
        sys.stdout.write(f"{name}: {path}\n")


@models.command()
def verify(names: Names = None, as_json: AsJson = False) -> None:
    """Check files against their checksums; a damaged cached entry is deleted and named. Exit code 2 if any is damaged."""
    from workbench import zoo

    checks = zoo.verify(names or None)
    if as_json:
        sys.stdout.write(json.dumps([vars(c) for c in checks], indent=2) + "\n")
    else:
        for check in checks:
            sys.stdout.write(f"{check.status:8}{check.name}: {check.detail}\n")
    if bad := [c.name for c in checks if c.status == "corrupt" or (names and c.status != "ok")]:
        raise WeightsError(f"not sound: {', '.join(bad)}; `workbench models pull {' '.join(bad)}` fetches them")


@models.command()
def card(name: Annotated[str, typer.Argument(help="A name as in `workbench models list`.")]) -> None:
    """Print a model card: purpose, limits, licence, training data, checksum."""
    from workbench import zoo

    sys.stdout.write(zoo.card(name))
