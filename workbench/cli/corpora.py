"""``workbench corpora …``: corpora that fusion and audits learn from: list, get, check, build, extract."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli import app
from workbench.errors import CorpusError

if TYPE_CHECKING:
    from workbench.corpora.check import Checked
    from workbench.extraction import Result

corpora = typer.Typer(help="Corpora: list, get, check, build, extract.", no_args_is_help=True)
app.add_typer(corpora, name="corpora")
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Root = Annotated[Path | None, typer.Argument(metavar="[PATH]", help="The corpus's folder; $WORKBENCH_DATA/NAME where left out.")]
STAGES = "detection, tracking, emotion, vad, transcription, alignment, prosody, affect, embedding"
SHOWN = 40
"""Findings of one level that `check` prints; `--json` gives all."""


@corpora.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the corpora that can be loaded, what is in each, and whether it is on this machine."""
    from workbench.corpora import CORPORA
    from workbench.settings import data_dir

    data = data_dir()
    entries = dict(CORPORA.items())
    here = {name: str(data / name) if data and (data / name).is_dir() else None for name in entries}
    here |= {name: "brings its data along" for name, e in entries.items() if e.own_folder is not None}
    if as_json:
        rows = [
            {"name": e.name, "title": e.title, "licence": e.licence, "modalities": e.modalities, "label": e.label, "groups": e.groups}
            | {"card": f"datasets/{e.name}.md", "here": here[e.name], "package": CORPORA.package(e.name)}
            for e in entries.values()
        ]
        _print(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "modalities", "label", "demographics", "licence", "here")
    table.columns[0].no_wrap = True
    for e in entries.values():
        table.add_row(e.name, ", ".join(e.modalities), e.label, ", ".join(e.groups) or "none", e.licence, "yes" if here[e.name] else "no")
    console = Console()
    console.print(table)
    where = f"WORKBENCH_DATA is {data}" if data else "WORKBENCH_DATA is not set: give each corpus's folder"
    console.print(
        f"{where}. Cards: datasets/NAME.md. `accents` (synthetic voices) is made by `corpora build`.", soft_wrap=True, highlight=False
    )


@corpora.command()
def check(
    name: Annotated[str, typer.Argument(help="A corpus of `corpora list`.")],
    path: Root = None,
    need: Annotated[list[str] | None, typer.Option(help="A modality that every clip must have (audio, video, votes, …).")] = None,
    as_json: AsJson = False,
) -> None:
    """Say file by file what is missing, unreadable or a git-LFS pointer. Exit code 2 where something is wrong."""
    from workbench.corpora.check import check as look
    from workbench.zoo.progress import bars

    if as_json:
        found = look(name, path, need or [])
        counts = Counter(f.level for f in found.findings)
        _print(
            {"name": name, "path": str(found.root), "ok": not found.wrong, "clips": found.clips, "persons": found.persons, "has": found.has}
            | {"counts": {level: counts[level] for level in ("error", "warning", "note")}, "findings": [vars(f) for f in found.findings]}
        )
    else:
        with bars(counts=True) as progress:
            found = look(name, path, need or [], progress)
        _show(found)
    if found.wrong:
        raise typer.Exit(2)


def _show(found: Checked) -> None:
    from rich.console import Console

    console = Console()
    has = ", ".join(f"{kind} {n}" for kind, n in found.has.items()) or "nothing"
    console.print(f"{found.name} in {found.root}: {found.clips} clips of {found.persons} persons; {has}", soft_wrap=True, highlight=False)
    for level, style in (("error", "red"), ("warning", "yellow"), ("note", "dim")):
        lines = [f for f in found.findings if f.level == level]
        for f in lines[:SHOWN]:
            console.print(f"[{style}]{level}[/] ", end="")
            console.print(f"{f.where}: {f.message}", soft_wrap=True, highlight=False, markup=False)
        if len(lines) > SHOWN:
            console.print(f"… and {len(lines) - SHOWN} more {level}s; --json gives all", highlight=False)
    errors = sum(f.level == "error" for f in found.findings)
    console.print(f"{errors} errors" if errors else "nothing is wrong", highlight=False)


@corpora.command()
def extract(
    name: Annotated[str, typer.Argument(help="A corpus of `corpora list`.")],
    path: Root = None,
    stages: Annotated[str, typer.Option(help=f"Only these, joined by commas; what they rest on comes along. Of {STAGES}.")] = "",
    workers: Annotated[int | None, typer.Option(help="Processes; one a core where left out.")] = None,
    limit: Annotated[int | None, typer.Option(help="The first so many clips only.")] = None,
    settings: Annotated[Path | None, typer.Option(help="Settings as YAML; see experiments/default.yaml.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the tracks; the cache where left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the stages over a corpus's media into Parquet tracks. What is there already is kept; a stop loses one clip at most."""
    from workbench import settings as tree
    from workbench.extraction import extract as run
    from workbench.zoo.progress import bars

    asked = [s.strip() for s in stages.split(",") if s.strip()] or None
    options = {"settings": tree.load(settings), "workers": workers, "limit": limit, "out": out}
    if as_json:
        found = run(name, path, asked, **options)  # type: ignore[arg-type]
        _print(
            {
                "corpus": name,
                "out": str(found.root),
                "clips": found.clips,
                "failed": found.failed,
                "problems": found.problems,
                "off": found.off,
            }
            | {"stages": {s: {"computed": n, "kept": found.kept[s], "empty": found.empty[s]} for s, n in found.computed.items()}}
            | {"errors": found.errors.to_dict("records"), "seconds": found.seconds, "workers": found.workers}
        )
        return
    with bars(counts=True) as progress:
        found = run(name, path, asked, progress=progress, **options)  # type: ignore[arg-type]
    _summary(found)


def _summary(found: Result) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("stage", "computed", "kept", "without a row", title=f"{found.clips} clips", title_justify="left")
    for stage, n in found.computed.items():
        table.add_row(stage, str(n), str(found.kept[stage]), str(found.empty[stage]))
    console.print(table)
    for stage, why in found.off.items():
        console.print(f"[yellow]{stage} is {why}[/]", soft_wrap=True)
    for row in found.errors.head(SHOWN).to_dict("records"):
        console.print(f"{row['level']} {row['clip']} ({row['stage']}): {row['message']}", soft_wrap=True, highlight=False, markup=False)
    if len(found.errors) > SHOWN:
        console.print(f"… and {len(found.errors) - SHOWN} more", highlight=False)
    if found.problems:
        console.print(f"{found.problems} problems of the corpus itself: `workbench corpora check` names them", soft_wrap=True)
    console.print(f"{found.failed} clips with errors; {found.seconds:.1f} s with {found.workers} processes", highlight=False)
    console.print(f"tracks: {found.root}", soft_wrap=True, highlight=False, markup=False)


@corpora.command()
def get(
    name: Annotated[str, typer.Argument(help="A corpus that is offered freely: crema-d.")],
    to: Annotated[Path | None, typer.Option(help="The corpus's folder; $WORKBENCH_DATA/NAME where left out.")] = None,
    accept: Annotated[str, typer.Option(help="The name of the corpus's licence: you have read it and accept it.")] = "",
    from_: Annotated[str | None, typer.Option("--from", metavar="URL", help="A mirror with the same files.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a corpus's files from its public address. What is there is kept; a broken download goes on where it stopped."""
    from workbench.corpora import folder
    from workbench.corpora.download import get as fetch
    from workbench.settings import data_dir
    from workbench.zoo.progress import bars

    target = folder(name, to)
    with bars() as progress:
        paths = fetch(name, target, accept, progress, from_)
    if as_json:
        _print({"name": name, "folder": str(target), "files": [str(p) for p in paths]})
        return
    sys.stdout.write(f"{name} is in {target}: {', '.join(p.name for p in paths)}\n")
    if data_dir() is None or data_dir() / name != target:  # type: ignore[operator]
        sys.stdout.write(f"Set WORKBENCH_DATA={target.resolve().parent} so that it is found there.\n")


@corpora.command()
def build(
    name: Annotated[str, typer.Argument(help="accents: the sample's answers in synthetic voices.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write into; the cache where left out.")] = None,
    force: Annotated[bool, typer.Option(help="Make it again although it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Generate a corpus; one that is there is kept."""
    if name != "accents":
        raise CorpusError(f"{name!r} cannot be built; accents can")
    from workbench.corpora import accents

    made = accents.build(out, force=force)
    found = {"folder": str(made.folder), "recordings": len(made.recordings), "fingerprint": made.fingerprint, "what": accents.LABEL}
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if as_json else "".join(f"{k}: {v}\n" for k, v in found.items()))


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
