"""``workbench sessions …`` and ``workbench replay``: stored sessions, and their refusion."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli import app
from workbench.errors import SessionError

if TYPE_CHECKING:
    from workbench.contracts import Score
    from workbench.sessions.overrides import Override
    from workbench.sessions.replay import Replay
    from workbench.sessions.store import Session

sessions = typer.Typer(help="Stored sessions: list, show, correct, verify, query, export.", no_args_is_help=True)
app.add_typer(sessions, name="sessions")
Which = Annotated[str, typer.Argument(metavar="SESSION", help="A session's folder, or its id in the sessions folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@sessions.command("list")
def list_(
    folder: Annotated[Path | None, typer.Option(help="Where to look; the sessions folder otherwise.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Sessions on one page; with --json all are given.")] = 50,
    page: Annotated[int, typer.Option(min=1, help="Which page.")] = 1,
    as_json: AsJson = False,
) -> None:
    """List sessions, newest first, a page at a time."""
    from workbench.sessions.store import list_sessions
    from workbench.settings import sessions_dir

    rows = list_sessions(folder or sessions_dir())
    if as_json:
        return print_json(rows)
    if not rows:
        typer.echo(f"no sessions in {folder or sessions_dir()}")
        return None
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    pages = -(-len(rows) // limit)
    if page > pages:
        raise SessionError(f"--page {page}: there are {pages} pages of {limit} sessions; give a smaller number")
    table = Table("session", "created", "length", "purpose", "where", "consent", "notes")
    table.columns[0].overflow = "fold"
    for r in rows[(page - 1) * limit : page * limit]:
        if r["problem"]:
            table.add_row(r["id"], "", "", "", "", "", f"[red]{escape(r['problem'])}[/]")
            continue
        notes = r["flags"]
        minutes, seconds = divmod(round(r["duration"]), 60)
        table.add_row(
            r["id"], r["created"][:16].replace("T", " "), f"{minutes}:{seconds:02d}", r["purpose"], r["jurisdiction"],
            "yes" if r["consent"] else "no", ", ".join(notes),
        )  # fmt: skip
    Console().print(table)
    if pages > 1:
        typer.echo(f"page {page} of {pages}, {len(rows)} sessions; see --page and --limit")
    return None


@sessions.command()
def show(session: Which, as_json: AsJson = False) -> None:
    """Show a session: what it is, its scores, what happened to it."""
    from workbench.sessions.consent import notes
    from workbench.sessions.source import source_summary
    from workbench.sessions.store import Session

    opened = Session.find(session)
    header = opened.header
    found: dict[str, Any] = {
        "id": opened.id,
        "folder": str(opened.folder),
        "created": header.created,
        "duration": opened.duration,
        "purpose": header.purpose,
        "jurisdiction": header.jurisdiction,
        "consent": header.consent.model_dump(),
        "disabled": header.disabled,
        "notes": notes(header.purpose, header.jurisdiction),
        "media": header.media,
        "source": source_summary(header, opened.events).to_dict(),
        "models": header.models,
        "recording": opened.recording,
        "warnings": opened.warnings,
        "windows": len(opened.fused_windows),
        "scores": [s.model_dump(exclude={"contributions"}) for s in opened.score_messages],
        "overrides": [o.model_dump() for o in opened.overrides],
        "events": [e.model_dump() for e in opened.events],
    }
    found["warnings"] = opened.warnings  # those of reading included
    if as_json:
        return print_json(found)
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    for key in ("id", "folder", "created", "duration", "purpose", "jurisdiction", "windows"):
        console.print(f"[bold]{key:14}[/]{escape(str(found[key]))}", highlight=False, soft_wrap=True)
    for key, text in source_summary(header, opened.events).lines().items():
        console.print(f"[bold]{key.lower():14}[/]{escape(text)}", highlight=False, soft_wrap=True)
    for channel, reason in header.disabled.items():
        console.print(f"[yellow]{channel}[/] {escape(reason)}", highlight=False, soft_wrap=True)
    for line in (*found["notes"], *opened.warnings):
        console.print(f"[yellow]note[/] {escape(line)}", highlight=False, soft_wrap=True)
    if opened.score_messages:
        console.print(_score_table(opened.score_messages))
    for change in opened.overrides:
        console.print(f"[red]overridden[/] {escape(describe(change))}", highlight=False, soft_wrap=True)
    for event in opened.events:
        console.print(f"{event.timestamp:8.1f} s  {event.kind}  {event.message}", highlight=False, markup=False, soft_wrap=True)
    return None


@sessions.command()
def export(
    session: Which,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; SESSION-export in the working folder otherwise.")] = None,
    format: Annotated[str, typer.Option(help="parquet, csv or json")] = "parquet",
    as_json: AsJson = False,
) -> None:
    """Write a session's tables to files."""
    from workbench.sessions.store import Session

    opened = Session.find(session)
    paths = opened.export(out or Path(f"{opened.id}-export"), format)
    if as_json:
        return print_json([str(p) for p in paths])
    return typer.echo("\n".join(str(p) for p in paths))


@app.command()
def replay(
    session: Which,
    settings: Annotated[Path | None, typer.Option(help="YAML whose fusion, smoothing and scoring keys replace the session's.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for windows.jsonl, scores.jsonl and the settings in force.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute a session's windows and scores again from what is stored; no model runs. Same settings, same bytes."""
    from workbench import yaml_files
    from workbench.sessions import differences
    from workbench.sessions import replay as replaying
    from workbench.sessions.store import Session

    opened = Session.find(session)
    chosen = replaying.overlay(opened, yaml_files.read(settings), str(settings)) if settings else None
    result = replaying.replay_session(opened, chosen)
    found = {
        "session": opened.id,
        "settings": result.settings.fingerprint(),
        "ignored_sections": list(result.ignored),
        "same_bytes": replaying.matches(opened, result),
        **differences.of_session(opened, result),
        "scores": [s.model_dump(exclude={"contributions"}) for s in result.scores],
        "written": [str(p) for p in replaying.write(result, out)] if out else [],
    }
    if as_json:
        print_json(found)
    else:
        _show_replay(opened, result, found)


def _show_replay(opened: Session, result: Replay, found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    for warning in opened.warnings:
        console.print(f"[yellow]note[/] {escape(warning)}", highlight=False, soft_wrap=True)
    if found["ignored_sections"]:
        console.print(
            f"[yellow]note[/] not followed: {', '.join(found['ignored_sections'])} (they say how the stored outputs were made)",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    same = "the stored bytes" if found["same_bytes"] else "not the stored bytes"
    console.print(f"{found['windows']} windows, {len(result.scores)} scores: {same}", highlight=False)
    if not found["same_windows"]:
        console.print("the windows lie elsewhere than the stored ones")
    if found["changed_labels"]:
        console.print(f"{len(found['changed_labels'])} windows changed label", highlight=False)
    console.print(_score_table(result.scores, opened.score_messages))
    for path in found["written"]:
        console.print(path, highlight=False, markup=False, soft_wrap=True)


def _score_table(scores: list[Score], before: list[Score] | None = None) -> Any:
    from rich.markup import escape
    from rich.table import Table

    table = Table("scope", "score", *(["stored"] if before is not None else []), "value", "95 % interval", "missing")
    old = {(s.scope, s.name): s.value for s in before or []}
    for s in scores:
        interval = f"{s.low:.2f} to {s.high:.2f}" if s.low is not None and s.high is not None else ""
        stored = [_digits(old.get((s.scope, s.name)))] if before is not None else []
        table.add_row(s.scope, s.name, *stored, _digits(s.value), interval, escape("; ".join(f"{k}: {v}" for k, v in s.missing.items())))
    return table


def describe(change: Override) -> str:
    """A correction as a sentence."""
    what = f"label {change.start:.1f} to {change.end:.1f} s" if change.kind == "label" else change.name
    was, now = (_digits(v) if isinstance(v, float) else v for v in (change.original, change.value))
    return f"{change.scope} {what}: {was} → {now} by {change.by}, {change.when}: {change.reason}"


def _digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
