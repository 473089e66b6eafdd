"""``workbench evaluate`` and ``workbench demo``: a recording to a session, its scores and its report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench import extras
from workbench.cli import app
from workbench.cli.sessions import AsJson, Which, sessions
from workbench.errors import SettingsError

if TYPE_CHECKING:
    from workbench.pipeline import Progress
    from workbench.sessions.store import Session
    from workbench.settings import Settings

PURPOSES = ("research", "practice", "demonstration", "hiring")


@app.command()
def evaluate(
    media: Annotated[Path | None, typer.Argument(metavar="MEDIA", help="A video or audio recording of an interview.")] = None,
    questions: Annotated[Path | None, typer.Option(help="interview.yaml: questions, model answers, keywords, answer times.")] = None,
    settings: Annotated[Path | None, typer.Option(help="Settings as YAML; see experiments/default.yaml.")] = None,
    purpose: Annotated[str, typer.Option(help=f"One of {', '.join(PURPOSES)}.")] = "",
    jurisdiction: Annotated[str, typer.Option(help="Where it takes place: a country code, US-NY, EU.")] = "",
    consent: Annotated[str, typer.Option(help="Who consented, and how it was recorded; stored with the session.")] = "",
    out: Annotated[Path | None, typer.Option(help="Session folder; a new one in the sessions folder otherwise.")] = None,
    stage: Annotated[list[str] | None, typer.Option(help="A further stage that an installed package adds; may be given again.")] = None,
    video_track: Annotated[int | None, typer.Option(help="Number of the video track, from 1; else the one with a face.")] = None,
    audio_track: Annotated[int | None, typer.Option(help="Number of the audio track, from 1; else the one with speech.")] = None,
    resume: Annotated[str, typer.Option(metavar="SESSION", help="Complete this session, which was cut off, with its own settings.")] = "",
    report: Annotated[bool, typer.Option("--report", help="Write the report, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Evaluate a recorded interview: words, prosody, emotion per window, scores with their evidence."""
    extras.require("recorded")
    if resume:
        if given := [n for n, v in {"--questions": questions, "--settings": settings, "--purpose": purpose, "--out": out}.items() if v]:
            raise SettingsError(f"--resume: the session has its own; leave out {', '.join(given)}")
        return _complete(resume, media, report, as_json)
    if media is None:
        raise SettingsError("evaluate: give a recording, or --resume with a session that was cut off")
    chosen = with_purpose(settings, purpose, jurisdiction)
    with stage_bars(enabled=not as_json) as progress:
        from workbench.pipeline import evaluate as run

        session = run(
            media, questions, chosen, out=out, consent=_consent(consent), progress=progress, stages=stage or (),
            video_track=video_track, audio_track=audio_track,
        )  # fmt: skip
    path = _report(session) if report else None
    return _show(session, path, as_json)


@sessions.command("finish")
def finish(
    session: Which,
    media: Annotated[Path | None, typer.Option(help="The recording that it was made from, where the session holds no copy.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Write the report, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Complete a session that was cut off, recorded or live: missing words, windows, scores, video."""
    extras.require("recorded")
    _complete(session, media, report, as_json)


def _complete(which: str, media: Path | None, report: bool, as_json: bool) -> None:
    with stage_bars(enabled=not as_json) as progress:
        from workbench.completion import complete

        session = complete(which, media, progress)
    _show(session, _report(session) if report else None, as_json)


@app.command()
def demo(
    out: Annotated[Path | None, typer.Option(help="Session folder; a new one in the sessions folder otherwise.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Evaluate the sample interview (stock footage, synthetic voice) and write its report."""
    from workbench.contracts import Consent
    from workbench.sample import build

    extras.require("recorded")
    paths = build()
    chosen = with_purpose(None, "demonstration", "")
    with stage_bars(enabled=not as_json) as progress:
        from workbench.pipeline import evaluate as run

        told = Consent(given=False, text="stock footage and a synthetic voice: nobody was interviewed")
        session = run(paths.video, paths.interview, chosen, out=out, consent=told, progress=progress)
    _show(session, _report(session), as_json)


def with_purpose(path: Path | None, purpose: str, jurisdiction: str) -> Settings:
    """Settings from a file or the defaults, with the purpose and place that the command line states."""
    from workbench import settings as tree

    if purpose and purpose not in PURPOSES:
        raise SettingsError(f"--purpose: {purpose!r} is not known; choose one of {', '.join(PURPOSES)}")
    loaded = tree.load(path)
    stated = {k: v for k, v in {"purpose": purpose, "jurisdiction": jurisdiction}.items() if v}
    return loaded.model_copy(update={"session": loaded.session.model_copy(update=stated)})


@contextmanager
def stage_bars(enabled: bool = True) -> Iterator[Progress]:
    """One rich progress bar a stage on stderr, in seconds of the recording; on a pipe only the last state is printed."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:20}"), BarColumn(), TextColumn("{task.completed:6.1f} / {task.total:.1f} s"), TimeElapsedColumn()
    )  # fmt: skip
    display = Progress(*columns, console=Console(stderr=True), disable=not enabled)
    tasks: dict[str, TaskID] = {}

    def watch(stage: str, done: float, total: float) -> None:
        if not tasks:  # not before: an error on the way here should be one line, not an empty display and a line
            display.start()
        if stage not in tasks:
            tasks[stage] = display.add_task(stage, total=total)
        display.update(tasks[stage], completed=done)

    try:
        yield watch
    finally:
        if tasks:
            display.stop()


def _consent(text: str) -> Any:
    from datetime import UTC, datetime

    from workbench.contracts import Consent

    return Consent(given=True, by="command line", when=datetime.now(UTC).isoformat(timespec="seconds"), text=text) if text else None


def _report(session: Session) -> Path:
    from workbench.report import build

    return build(session)


def _show(session: Session, report: Path | None, as_json: bool) -> None:
    from workbench.events import Severity

    notes = [e.message for e in session.events if e.severity is not Severity.ROUTINE and e.message] + session.warnings
    if as_json:
        typer.echo(json.dumps(summary(session, report, notes), indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(title=f"Session {session.id} · {session.duration:.1f} s · {session.header.purpose}", title_justify="left")
    for column, justify in (("score", "left"), ("whole interview", "right"), ("95 % interval", "right"), ("what was missing", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for score in (s for s in session.score_messages if s.scope == "session"):
        value = "—" if score.value is None else f"{score.value:.2f}"
        interval = "—" if score.low is None else f"{score.low:.2f} to {score.high:.2f}"
        table.add_row(score.name, value, interval, "; ".join(f"{k}: {v}" for k, v in score.missing.items()) or "nothing")
    console.print(table)
    console.print("Scores are assistive, never a verdict. Speech affect is not validated; see the report's limits.", style="dim")
    for channel, reason in session.header.disabled.items():
        console.print(f"[yellow]{channel} is {reason}[/]", soft_wrap=True)
    for note in dict.fromkeys(notes):
        console.print(f"note: {note}", soft_wrap=True, markup=False, highlight=False)
    console.print(f"session: {session.folder}", soft_wrap=True, highlight=False)
    if report:
        console.print(f"report:  {report}", soft_wrap=True, highlight=False)
    else:
        console.print(f"report:  run `workbench report {session.folder}`", soft_wrap=True, highlight=False)


def summary(session: Session, report: Path | None, notes: list[str]) -> dict[str, Any]:
    """What ``--json`` prints: the source, the scores with all their contributions and evidence, and what was missing."""
    from workbench.sessions.source import source_summary

    return {
        "session": session.id,
        "folder": str(session.folder),
        "report": str(report) if report else None,
        "duration": session.duration,
        "source": source_summary(session.header, session.events).to_dict(),
        "purpose": session.header.purpose,
        "disabled": session.header.disabled,
        "windows": len(session.fused_windows),
        "transcript": " ".join(t.transcript.strip() for t in session.transcripts),
        "scores": [s.model_dump(mode="json") for s in session.score_messages],
        "notes": list(dict.fromkeys(notes)),
    }
