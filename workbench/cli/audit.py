"""``workbench audit …``: who a score is worse for, by how much, and how sure that is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli import app

if TYPE_CHECKING:
    from workbench.audit.present.bundle import Bundle

audit = typer.Typer(help="Bias audits: run, compare, list, cards, bench.", no_args_is_help=True)
app.add_typer(audit, name="audit")
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="An audit run's folder, or its MLflow run id.")]


@audit.command()
def run(
    config: Annotated[
        Path | None,
        typer.Option(help="What to audit, and the limits that must hold; the votes of CREMA-D, or generated ones, where left out."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for tables and the page; otherwise the one in the configuration.")] = None,
    track: Annotated[bool | None, typer.Option("--track/--no-track", help="Keep the run in MLflow, or not.")] = None,
    as_json: AsJson = False,
) -> None:
    """Audit predictions by group and write everything as one page. Exit code 1 where a stated limit is exceeded."""
    from workbench import extras
    from workbench.audit import config as configuration
    from workbench.audit import data, tracking
    from workbench.audit.present import bundle
    from workbench.zoo.progress import bars

    asked = configuration.load(config) if config else configuration.default()
    with bars() as progress:
        found = bundle.run(asked, progress)
    keep = asked.track if track is None else track
    if keep and track is None and not extras.installed("mlflow"):
        keep = False
        found.remarks.append("The run is not kept in MLflow, which is not installed; it comes with the extra [lab].")
    page = found.save(out or data.folder(asked))
    run_id = tracking.log(found, asked) if keep else None
    _report(found, page, run_id, as_json)
    if found.exceeded:
        raise typer.Exit(1)


def _report(found: Bundle, page: Path, run_id: str | None, as_json: bool) -> None:
    from workbench.audit.present.findings import findings

    said = {name: [f.text for f in findings(a) if f.level == "gap"] for name, a in found.audits.items()}
    if as_json:
        shown = {"name": found.name, "label": found.label, "page": str(page), "run": run_id}
        _print(shown | {"exceeded": found.exceeded, "gaps_that_stand": said, "remarks": found.remarks})
        return
    from rich.console import Console

    console = Console()
    if found.label:
        console.print(f"[bold]{found.label}[/]", highlight=False, soft_wrap=True)
    for line in found.remarks:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    for name, lines in said.items():
        console.print(f"[bold]{name}[/]: {len(lines)} gaps stand", highlight=False)
        for line in lines[:5]:
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
        if len(lines) > 5:
            console.print(f"  … and {len(lines) - 5} more, in the page", highlight=False)
    for line in found.exceeded:
        console.print(f"[red]limit exceeded[/] {line}", highlight=False, soft_wrap=True)
    console.print(f"page: {page}", highlight=False, markup=False, soft_wrap=True)
    if run_id:
        console.print(f"MLflow run: {run_id}", highlight=False)


@audit.command()
def compare(
    before: Run, after: Run, metric: Annotated[list[str] | None, typer.Option(help="Only these figures.")] = None, as_json: AsJson = False
) -> None:
    """Two kept audits side by side: two models, or two dates."""
    from workbench.audit import compare as comparing
    from workbench.audit import tracking

    tables = comparing.bundles(tracking.find(before), tracking.find(after))
    if metric:
        tables = {name: t[t["metric"].isin(metric)] for name, t in tables.items()}
    if as_json:
        _print({"note": comparing.NOTE, "audits": {n: json.loads(t.to_json(orient="records")) for n, t in tables.items()}})
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for name, t in tables.items():
        shown = Table("grouping", "group", "figure", "n", "before", "after", "change", title=name, title_justify="left")
        for r in t.to_dict("records"):
            cells = [f"{r[c]:.3f} [{r[f'{c}_low']:.3f}, {r[f'{c}_high']:.3f}]" for c in ("before", "after", "change")]
            shown.add_row(r["grouping"], r["group"], r["metric"], str(r["n_after"]), *cells)
        console.print(shown)
    console.print(comparing.NOTE, highlight=False, soft_wrap=True)


@audit.command("list")
def list_(as_json: AsJson = False) -> None:
    """Kept audit runs, newest first."""
    from datetime import UTC, datetime

    from workbench.audit import tracking

    rows = tracking.runs()
    if as_json:
        _print(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("run", "audit", "when (UTC)", "predictions", "limits exceeded")
    table.columns[0].no_wrap = True  # to be copied
    for r in rows:
        when = datetime.fromtimestamp(r["started"], UTC).isoformat(" ", "minutes")[:16]
        table.add_row(r["run"], r["name"], when, r["predictions"], str(r["exceeded"]))
    Console().print(table)


@audit.command()
def cards(
    out: Annotated[Path, typer.Option(help="Folder for the cards.")] = Path("docs/cards"),
    runs: Annotated[list[str] | None, typer.Option("--run", help="Audits to quote: folders or MLflow runs.")] = None,
) -> None:
    """Write model and data cards of what the zoo ships: what is known, what is not, for whom not to use it."""
    from workbench.audit import tracking
    from workbench.audit.present import cards as writing

    for path in writing.write(out, [tracking.find(r) for r in runs or []]):
        sys.stdout.write(f"{path}\n")


@audit.command()
def accents(
    out: Annotated[Path, typer.Option(help="Folder for tables and the page.")] = Path("artifacts/audits/accents"), as_json: AsJson = False
) -> None:
    """Recognition and scores of the same words in synthetic voices. Exercises the audit; says nothing about people."""
    import tempfile

    from workbench import settings as tree
    from workbench.audit.present.bundle import Bundle
    from workbench.audit.studies import accents as measuring
    from workbench.corpora.accents import build
    from workbench.pipeline import evaluate
    from workbench.zoo.progress import bars

    def once(audio: Path, questions: Path, settings: tree.Settings) -> Any:
        folder = tempfile.TemporaryDirectory()
        session = evaluate(audio, questions, settings, out=Path(folder.name) / "session")
        session.answers, session.score_messages  # noqa: B018  (read before the folder goes)
        folder.cleanup()
        return session

    asked = tree.load()
    with bars() as progress:
        table = measuring.measure(build(progress=progress), once, asked, progress)
    remarks = measuring.sentences(measuring.effect(table))
    found = Bundle("synthetic accents", measuring.audits(table, asked.speech.model), remarks=remarks)
    _report(found, found.save(out), None, as_json)


@audit.command()
def bench(
    quick: Annotated[bool, typer.Option(help="A tenth of the simulations.")] = False,
    as_json: AsJson = False,
) -> None:
    """Time, memory, coverage of the intervals on simulated people, false alarms on people without gaps."""
    from workbench.audit.benchmark import measure

    found = measure(30, 20) if quick else measure()
    if as_json:
        _print(found)
    else:
        for key, value in found.items():
            typer.echo(f"{key:22} {value}")


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
