"""``workbench bench …``: speed and memory as figures, never as assertions in a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.benchmarks.live import live
from workbench.benchmarks.replay import replay
from workbench.benchmarks.tune import tune
from workbench.cli import app

bench = typer.Typer(help="Measure speed and memory on this machine.", no_args_is_help=True)
app.add_typer(bench, name="bench")
bench.command()(live)
bench.command()(replay)
bench.command()(tune)
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@bench.command()
def pipeline(
    runs: Annotated[int, typer.Option(min=1, help="Measured runs after a warm-up; the run of the median is reported.")] = 3,
    media: Annotated[Path | None, typer.Option(help="A recording; the sample interview otherwise.")] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate the sample interview warm: real-time factor, memory, and every stage's latencies."""
    from workbench.benchmarks.pipeline import measure_pipeline

    _print(measure_pipeline(runs, media), as_json, "Evaluation of the sample interview (stock footage, synthetic voice)")


@bench.command()
def vision(as_json: AsJson = False) -> None:
    """Detection on 640×360 frames and the emotion networks on batches of 8, alone on the machine."""
    from workbench.benchmarks.pipeline import measure_vision

    _print(measure_vision(), as_json, "Vision on the sample interview's frames")


@bench.command()
def refusion(
    hours: Annotated[float, typer.Option(min=0.01, help="Length of the generated session, h.")] = 1.0,
    runs: Annotated[int, typer.Option(min=1)] = 15,
    as_json: AsJson = False,
) -> None:
    """Time of fusion, smoothing and scoring on a generated session's stored values."""
    from workbench.benchmarks.pipeline import measure_refusion

    _print(measure_refusion(hours, runs), as_json, f"Refusion of {hours:g} h of generated tracks")


@bench.command()
def memory(minutes: Annotated[list[int] | None, typer.Option(help="Lengths to compare, min.")] = None, as_json: AsJson = False) -> None:
    """Peak memory of `evaluate` over recordings of different lengths, each in a process of its own."""
    from workbench.benchmarks.pipeline import measure_memory

    _print(measure_memory(minutes or [1, 20]), as_json, "Peak memory by length of the recording (the sample, repeated)")


@bench.command()
def interruption(
    moments: Annotated[int, typer.Option(min=1, help="Evaluations to kill.")] = 12,
    seed: Annotated[int, typer.Option(help="Of the random moments.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Kill evaluations of the sample at random moments (SIGKILL), and complete the sessions: words lost, same scores."""
    from workbench.benchmarks.interruption import measure_interruptions

    _print(measure_interruptions(moments, seed), as_json, "Evaluations that were killed, and completed")


@bench.command()
def startup(runs: Annotated[int, typer.Option(min=1)] = 7, as_json: AsJson = False) -> None:
    """Time of `workbench --help`."""
    from workbench.benchmarks.pipeline import measure_startup

    _print(measure_startup(runs), as_json, "workbench --help")


def _print(found: dict[str, Any], as_json: bool, title: str) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"[bold]{title}[/]")
    for key, value in found.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            table = Table(*value[0], title=key, title_justify="left")
            for row in value:
                table.add_row(*(f"{v:,.2f}" if isinstance(v, float) else str(v) for v in row.values()))
            console.print(table)
        else:
            console.print(f"{key.replace('_', ' '):28} {value}", highlight=False)
