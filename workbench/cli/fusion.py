"""``workbench fusion …``: compare ways to fuse on held-out people, fit one and keep it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.evaluation.samples import Samples

fusion = typer.Typer(help="Fusion of modalities: benchmark, fit, sweep, list.", no_args_is_help=True)
app.add_typer(fusion, name="fusion")
Corpus = Annotated[str, typer.Option(help="A corpus with samples for fusion, e.g. crema-d.")]
Where = Annotated[Path | None, typer.Option("--path", help="The corpus's folder; $WORKBENCH_DATA/NAME where left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Jobs = Annotated[int, typer.Option(help="Processes; -1 is one a core.")]


@fusion.command()
def benchmark(
    corpus: Corpus = "crema-d",
    path: Where = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds by person.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, help="Shufflings of people into folds; figures are their mean.")] = 3,
    draws: Annotated[int, typer.Option(min=1, help="Bootstrap draws over people.")] = 1000,
    jobs: Jobs = -1,
    out: Annotated[Path | None, typer.Option(help="Folder for pictures (reliability diagrams, intervals) and the JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare strategies on people they were not fitted on: figures with intervals, paired differences, ablation, human ceiling."""
    from workbench.training.benchmark import run

    samples = _samples(corpus, path)
    with _progress("strategies") as say:
        found = run(samples, folds, seeds, draws, jobs=jobs, say=say)
    if out is not None:
        from workbench.training import figures

        pictures = figures.save(found, out)
        (out / "benchmark.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        sys.stderr.write("".join(f"wrote {p}\n" for p in [*pictures, out / "benchmark.json"]))
    if as_json:
        _print(found)
    else:
        _show(found)


@fusion.command()
def fit(
    corpus: Corpus = "crema-d",
    path: Where = None,
    strategy: Annotated[
        str, typer.Option(help="A line of the benchmark; `learned_shares` needs just what live sessions give.")
    ] = "learned",
    out: Annotated[Path | None, typer.Option(help="File of the fitted strategy; artifacts/fusion/STRATEGY.json where left out.")] = None,
    register: Annotated[str, typer.Option(help="Name in MLflow's registry.")] = "",
    alias: Annotated[str, typer.Option(help="Alias that is moved to it, e.g. champion.")] = "",
    seed: Annotated[int, typer.Option(help="Of the folds and of the strategy.")] = 0,
    folds: Annotated[int, typer.Option(min=2, help="Folds by person.")] = 5,
    draws: Annotated[int, typer.Option(min=1, help="Bootstrap draws over people.")] = 1000,
    track: Annotated[bool, typer.Option("--track/--no-track", help="Keep the run in MLflow, or not.")] = True,
    as_json: AsJson = False,
) -> None:
    """Fit a strategy on all people and keep it for settings (fusion.strategy: stored). Figures are of people left out of a fit."""
    from workbench.training import fitting

    fitting.check_names(register, alias, track)
    found = fitting.run(_samples(corpus, path), strategy, seed, folds, draws)
    file = found.stored.save(out or Path("artifacts") / "fusion" / f"{strategy}.json")
    kept = fitting.log(found, register=register, alias=alias) if track else {}
    use = fitting.settings(kept.get("model", ""), file)
    if as_json:
        short = {k: v for k, v in found.report.items() if k not in ("reliability", "confusion")}
        _print({"strategy": strategy, "file": str(file), **kept, **short, "about": found.stored.about, "settings": use})
        return
    from rich.console import Console

    console = Console()
    v = found.report["figures"]
    line = f"{_percent(v['accuracy'])} % accuracy, {_percent(v['macro_f1'])} % macro-F1, ECE {_figure(v['ece'])}"
    console.print(f"[bold]{strategy}[/] on people left out: {line}".replace("\n", " "), highlight=False, soft_wrap=True)
    gain = _points(found.report["versus_average"]["accuracy"]).replace("\n", " ")
    console.print(f"to the equal average: {gain} points", highlight=False, soft_wrap=True)
    if set(found.stored.about["inputs"]) - {"visual", "audio"}:
        alone = found.report["shares_alone"]
        text = f"{_percent(alone['accuracy'])} % accuracy".replace("\n", " ") if alone else "cannot be used"
        console.print(f"with face and voice probabilities alone, as live sessions have: {text}", highlight=False, soft_wrap=True)
    console.print(f"file: {file}", highlight=False, soft_wrap=True)
    for key, value in kept.items():
        console.print(f"MLflow {key}: {value}", highlight=False, soft_wrap=True)
    console.print(f"settings: {json.dumps(use)}", highlight=False, markup=False, soft_wrap=True)


@fusion.command()
def sweep(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="What varies, over what; see experiments/fusion_sweep.yaml.")],
    path: Where = None,
    trials: Annotated[int | None, typer.Option(min=1, help="In all, those of earlier calls included; the plan's number otherwise.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Search settings of fusion with Optuna, going on where an earlier call stopped; keep trials and the best in MLflow."""
    from workbench.training import plan as planning
    from workbench.training import sweep as sweeping

    asked = planning.load(plan)
    samples = _samples(asked.corpus, path)
    with _progress("trials") as say:
        found = sweeping.run(asked, samples, trials, jobs, say=say)
    if as_json:
        _print(found)
        return
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    best = found["best"]
    console.print(f"[bold]{found['sweep']}[/]: {found['trials']} trials ({found['failed']} failed), judged on {found['judged_on']}")
    console.print(
        f"best (trial {best['trial']}): "
        + ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in best["values"].items())
    )
    held = f"{_percent(found['held_out']['accuracy'])} % accuracy, ECE {_figure(found['held_out']['ece'])}"
    gain = _points(found["versus_average"]["accuracy"])
    console.print(f"on {found['persons_held_out']} people set aside: {held}; to the equal average {gain} points".replace("\n", " "))
    console.print(f"MLflow run: {found['sweep_run']}" + (f", the best registered as {found['model']}" if "model" in found else ""))
    console.print(f"settings: {found['settings_file']}", markup=False)


@fusion.command("list")
def list_(as_json: AsJson = False) -> None:
    """Strategies that can be fitted, and what MLflow's registry holds."""
    from workbench.training import fitting

    found = fitting.known()
    if as_json:
        _print(found)
        return
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table("strategy", "learns from", "note", title="Strategies of the benchmark", box=SIMPLE)
    for s in found["strategies"]:
        table.add_row(s["name"], ", ".join(s["inputs"]), s["note"])
    console = Console()
    console.print(table)
    table = Table("model", "aliases", "strategy", "corpus", "accuracy %", title=f"Registered in {found['store']}", box=SIMPLE)
    for m in found["registered"]:
        table.add_row(
            m["model"], ", ".join(m["aliases"]), m["strategy"], m["corpus"], _number(m["accuracy"] and 100 * m["accuracy"], ".1f")
        )
    console.print(table if found["registered"] else f"nothing is registered in {found['store']} yet: workbench fusion fit --register NAME")


def _samples(corpus: str, path: Path | None) -> Samples:
    from workbench.training import catalogue

    return catalogue.load(corpus, path)


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


@contextmanager
def _progress(unit: str) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr, called as ``(what was done, done, total)``; it appears with the first call."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    bar = Progress(*columns, console=Console(stderr=True))
    task = bar.add_task("", total=None)

    def say(what: str, done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total, description=what)

    try:
        yield say
    finally:
        if bar.live.is_started:
            bar.stop()


def _show(found: Mapping[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"[bold]{found['source']}[/]: {found['clips']} clips, {found['persons']} people", highlight=False)
    title = f"{found['folds']} folds by person, mean of {found['seeds']} shufflings; {found['interval']}, {found['draws']} draws"
    columns = ("strategy", "accuracy %", "macro-F1 %", "log-loss", "ECE", "to equal average", "to best single", "s")
    table = Table(*columns, title=title, box=SIMPLE, padding=0)
    for s in found["strategies"]:
        against = [_points(s[f"versus_{k}"]["accuracy"]) for k in ("average", "best_single")]
        table.add_row(
            s["name"], _percent(s["accuracy"]), _percent(s["macro_f1"]), _figure(s["log_loss"]), _figure(s["ece"]), *against,
            f"{s['fit_seconds']:.1f}",
        )  # fmt: skip
    for s in found["ceiling"]:
        table.add_row(s["name"], _percent(s["accuracy"]), _percent(s["macro_f1"]), _figure(s["log_loss"]), _figure(s["ece"]), style="dim")
    console.print(table)
    rows = found["ablation"]
    groupings = list(rows[0]["gaps"])
    table = Table("strategy", "without", "accuracy %", "change", *(f"gap by {g}" for g in groupings), box=SIMPLE, padding=0)
    table.title = "Leaving a modality out"
    for r in rows:
        gaps = [
            _points(r["gaps"][g]["change"]) if r["without"] else f"{_percent(r['gaps'][g])}\n{r['gaps'][g]['worst']}" for g in groupings
        ]
        change = _points(r["accuracy_change"]) if r["without"] else ""
        table.add_row(r["strategy"], r["without"] or "", _percent(r["accuracy"]), change, *gaps, end_section=not r["without"])
    console.print(table)
    console.print("Gap: accuracy of the best group minus that of the worst (named), in points; beside an ablation its change.", style="dim")
    for line in [*found["suppressed"], *found["notes"]]:
        console.print(f"note: {line}", style="dim", highlight=False, markup=False)
    console.print(f"{found['seconds']} s", style="dim", highlight=False)


def _percent(v: Mapping[str, float | None]) -> str:
    return _figure({k: None if x is None else 100 * x for k, x in v.items()}, 1)


def _figure(v: Mapping[str, float | None], digits: int = 3) -> str:
    return f"{_number(v['value'], f'.{digits}f')}\n\\[{_ends(v, f'.{digits}f')}]"


def _points(v: Mapping[str, float | None]) -> str:
    points = {k: None if x is None else 100 * x for k, x in v.items()}
    return f"{_number(points['value'], '+.1f')}\n\\[{_ends(points, '+.1f')}]"


def _ends(v: Mapping[str, float | None], form: str) -> str:
    return ", ".join(_number(v[k], form) for k in ("low", "high"))


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
