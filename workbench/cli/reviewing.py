"""``workbench sessions override | candidate | verify | query | snippet``: what the review page does, in a shell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.sessions import AsJson, Which, describe, print_json, sessions
from workbench.errors import SessionError


@sessions.command()
def override(
    session: Which,
    reason: Annotated[str, typer.Option(help="Why; it is shown beside both values.")],
    by: Annotated[str, typer.Option(help="Who decides: a name, role or pseudonym.")],
    score: Annotated[str, typer.Option(help="Score to set, e.g. clarity.")] = "",
    value: Annotated[float | None, typer.Option(help="The score: 0 to 1, or 0 to 100 where it is above 1.")] = None,
    scope: Annotated[str, typer.Option(help="'session' or a question's id.")] = "session",
    label: Annotated[str, typer.Option(help="Emotion label to set instead, for the span --start to --end.")] = "",
    start: Annotated[float | None, typer.Option(help="Start of the span, s from the start of the session.")] = None,
    end: Annotated[float | None, typer.Option(help="End of the span, s.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set a score or a label beside the stored one, with a reason. The original stays."""
    from workbench.sessions import overrides
    from workbench.sessions.store import Session

    opened = Session.find(session)
    if score and value is not None and not label:
        made = overrides.of_score(opened, score, value / 100 if value > 1 else value, reason, by, scope)
    elif label and start is not None and end is not None and not score:
        made = overrides.of_label(opened, start, end, label, reason, by)
    else:
        raise SessionError("override: give either --score and --value, or --label with --start and --end")
    if as_json:
        return print_json(made.model_dump())
    return typer.echo(describe(made))


@sessions.command()
def candidate(
    session: Which,
    face: Annotated[list[str] | None, typer.Option(help="Face that is the candidate's, e.g. f-2; may be given more than once.")] = None,
    reason: Annotated[str, typer.Option(help="Why; needed with --face.")] = "",
    by: Annotated[str, typer.Option(help="Who decides: a name, role or pseudonym; needed with --face.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the faces of a session, or say with --face whose counts: windows and scores are computed again, no model runs."""
    from workbench.sessions import candidate as choosing
    from workbench.sessions import faces
    from workbench.sessions.store import Session

    opened = Session.find(session)
    made = choosing.correct(opened, face, reason, by) if face else None
    now = choosing.current(opened)
    rows = [
        {
            "face": f.face_id, "candidate": f.face_id in now.faces, "seconds": round(f.seconds, 1), "first": f.first, "last": f.last,
            "size_px": f.size_px, "moving": f.moving, "voice": f.voice, "analysed_frames": f.analysed,
        }
        for f in faces.summaries(opened)
    ]  # fmt: skip
    if as_json:
        correction = made.model_dump() if made is not None else None
        return print_json({"session": opened.id, "candidate": list(now.faces), "why": now.why, "faces": rows, "correction": correction})
    if made is not None:
        typer.echo(describe(made))
    return _show_faces(rows, now.sentence)


def _show_faces(rows: list[dict[str, Any]], sentence: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("face", "candidate", "seconds", "size px", "moves", "with the voice", "frames analysed")
    for row in rows:
        size = "–" if row["size_px"] is None else f"{row['size_px']:.0f}"
        voice = "–" if row["voice"] is None else f"{row['voice']:.2f}"
        mark = "yes" if row["candidate"] else ""
        table.add_row(row["face"], mark, f"{row['seconds']:.1f}", size, row["moving"], voice, str(row["analysed_frames"]))
    console = Console()
    console.print(table)
    console.print(f"Candidate: {sentence}", highlight=False, markup=False, soft_wrap=True)


@sessions.command()
def verify(
    session: Annotated[str, typer.Argument(metavar="[SESSION]", help="A session; all of the sessions folder without it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check the log of corrections for lines edited, deleted, reordered or cut off. Exit code 1 where there are any."""
    from workbench.sessions import overrides
    from workbench.sessions.store import Session, list_sessions
    from workbench.settings import sessions_dir

    folders = [Path(s["folder"]) for s in list_sessions(sessions_dir()) if not s["problem"]]
    opened = [Session.find(session)] if session else [Session.open(f, repair=False) for f in folders]
    checked = [(o, overrides.verify(o)) for o in opened]
    if as_json:
        print_json(
            [
                {"session": o.folder.name, "ok": v.ok, "entries": len(v.entries), "problems": v.problems, "notes": v.notes}
                for o, v in checked
            ]
        )
    else:
        for o, v in checked:
            typer.echo(f"{o.folder.name}: {'whole' if v.ok else 'BROKEN'}, {len(v.entries)} corrections")
            for line in (*v.problems, *v.notes):
                typer.echo(f"  {line}")
        if not checked:
            typer.echo(f"no sessions in {sessions_dir()}")
    if not all(v.ok for _, v in checked):
        raise typer.Exit(1)


@sessions.command()
def query(
    sql: Annotated[str, typer.Argument(help='One SELECT, e.g. "select session, name, value from scores".')],
    folder: Annotated[Path | None, typer.Option(help="Where the sessions lie; the sessions folder otherwise.")] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values.")] = False,
) -> None:
    """Query all sessions in SQL. Tables: sessions, windows, words, scores, contributions, answers, events, overrides and more."""
    from workbench.sessions import query as ask

    table = ask(sql, folder)
    if as_json:
        sys.stdout.write(table.to_json(orient="records", indent=2, double_precision=15, default_handler=str) + "\n")
    elif as_csv:
        table.to_csv(sys.stdout, index=False)
    else:
        typer.echo(table.to_string(index=False) if len(table) else f"no rows; columns: {', '.join(table.columns)}")


@sessions.command()
def snippet(
    session: Which,
    start: Annotated[float, typer.Option(help="Start of the span, s from the start of the session.")],
    end: Annotated[float, typer.Option(help="End of the span, s.")],
    out: Annotated[Path | None, typer.Option(help="Folder or .zip file; SESSION-START-END in the working folder otherwise.")] = None,
    as_json: AsJson = False,
) -> None:
    """Export a moment: a frame, the sound and the words of a span."""
    from workbench.report import snippet as cutting
    from workbench.sessions.store import Session

    opened = Session.find(session)
    paths = cutting.write(opened, start, end, out or Path(f"{opened.id}-{start:g}-{end:g}"))
    if as_json:
        return print_json([str(p) for p in paths])
    return typer.echo("\n".join(str(p) for p in paths))
