"""``workbench plugins``: what can be chosen by name, which package offers it, and what is left out and why."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Annotated, Any

import typer

from workbench.cli import app

REGISTRIES: tuple[str, ...] = (
    "workbench.stages:STAGES",
    "workbench.fusion.strategy:STRATEGIES",
    "workbench.corpora.registry:CORPORA",
    "workbench.audit.stats.callables:METRICS",
    "workbench.scoring.features:FEATURES",
)
"""Where each registry lies."""


def registries() -> list[Any]:
    """Every registry, in the order of `plugins.GROUPS`."""
    return [getattr(import_module(module), name) for module, _, name in (place.partition(":") for place in REGISTRIES)]


@app.command()
def plugins(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False) -> None:
    """List stages, fusion strategies, corpora, metrics and features by name, with the package that offers each."""
    rows, problems = [], []
    for registry in registries():
        problems += [vars(p) | {"text": str(p)} for p in registry.problems()]
        rows += [{"group": registry.group, "kind": registry.kind, "name": n, "package": registry.package(n)} for n in registry.names()]
    if as_json:
        typer.echo(json.dumps({"plugins": rows, "problems": problems}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    console, table = Console(), Table("kind", "name", "package")
    for row in rows:
        table.add_row(row["kind"], row["name"], row["package"])
    console.print(table)
    for problem in problems:
        console.print(problem["text"], style="yellow", soft_wrap=True, markup=False, highlight=False)
    console.print("How to add your own: docs/extend; examples/ has one package of each kind.", soft_wrap=True, highlight=False)
