"""``workbench schema`` and ``workbench doctor``."""

import json
import platform
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli import app


@app.command()
def schema(message: Annotated[str, typer.Argument(help="one message's name, e.g. FusedWindow; all without it")] = "") -> None:
    """Print the JSON Schemas of the messages between stages and on disk."""
    from workbench import contracts
    from workbench.errors import WorkbenchError

    schemas = {m.__name__: m.model_json_schema() for m in contracts.ALL}
    if message and message not in schemas:
        raise WorkbenchError(f"schema: no message is called {message!r}; choose one of {', '.join(schemas)}")
    typer.echo(json.dumps(schemas[message] if message else schemas, indent=2))


@app.command("settings")
def settings_(
    path: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="YAML to check and complete; the defaults without it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Print every setting with its meaning, as YAML that `--settings` takes."""
    from workbench import settings as tree

    loaded = tree.load(path)
    typer.echo(json.dumps(loaded.echo(), indent=2) if as_json else tree.to_yaml(loaded), nl=as_json)


PACKAGES = (
    "mediapipe", "tensorflow", "keras", "ai-edge-litert", "torch", "whisperx", "faster-whisper", "praat-parselmouth", "pocketsphinx",
    "sentence-transformers", "scikit-learn", "mlflow", "fairlearn", "panel", "bokeh", "jupyterlab", "ipywebrtc", "av",
)  # fmt: skip


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """Say what is installed, which weights are there and which device would be used; exit code 2 where something is missing."""
    found = examine()
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        _show(found)
    if found["problems"]:
        raise typer.Exit(2)


def examine() -> dict[str, Any]:
    """What `doctor` prints, as plain values."""
    import os
    import shutil
    from importlib.metadata import PackageNotFoundError, version

    from workbench import extras, privacy, settings, zoo

    problems = []
    packages: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = None
            problems.append(f"package {name} is not installed: run `make setup` in a checkout, or pip install '{extras.PACKAGE}[all]'")
    weights = zoo.status()
    problems += [
        f"weights {w['name']} are not there: run `workbench models pull {w['name']}`" for w in weights if w["default"] and not w["present"]
    ]
    free = shutil.disk_usage(_existing(settings.sessions_dir())).free / 1e9
    if free < 1:
        problems.append(f"only {free:.1f} GB are free for sessions in {settings.sessions_dir().resolve()}")
    return {
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "device": _device(),
        "packages": packages,
        "weights": weights,
        "cache": str(settings.cache_dir()),
        "sessions": str(settings.sessions_dir().resolve()),
        "data": str(settings.data_dir()) if settings.data_dir() else None,
        "free_disk_gb": round(free, 1),
        "chromium": shutil.which("chromium"),
        "telemetry_off": all(os.environ.get(k) == v for k, v in privacy.OPT_OUTS.items()),
        "problems": problems,
    }


def _existing(path: Any) -> Any:
    while not path.exists():
        path = path.absolute().parent
    return path


def _device() -> str:
    try:
        import pynvml

        pynvml.nvmlInit()
        name = pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(0))
        return f"cuda: {name if isinstance(name, str) else name.decode()}"
    except Exception:  # no NVIDIA driver or no GPU: the ordinary case
        return "cpu"


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for key in ("python", "system", "cores", "device", "cache", "sessions", "data", "free_disk_gb", "chromium", "telemetry_off"):
        console.print(f"[bold]{key.replace('_', ' '):15}[/] {found[key]}", soft_wrap=True)
    packages = Table("package", "version", title="Packages", title_justify="left")
    for name, installed in found["packages"].items():
        packages.add_row(name, installed or "[red]missing[/]")
    weights = Table("weights", "for", "there", "licence", "training data", title="Weights", title_justify="left")
    for w in found["weights"]:
        there = "[green]yes[/]" if w["present"] else "[red]no[/]" if w["default"] else "not pulled"
        weights.add_row(w["name"], w["kind"], there, w["licence"], w["training_data"])
    console.print(packages, weights)
    for problem in found["problems"]:
        console.print(f"[red]✗[/] {problem}", soft_wrap=True)
    if not found["problems"]:
        console.print("[green]✓[/] everything that `workbench evaluate` needs is here")
