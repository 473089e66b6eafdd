"""Who the candidate is, said afterwards: windows and scores are computed again from what is stored; no model runs."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import SessionError
from workbench.sessions import faces, files, overrides, replay
from workbench.sessions.store import Session
from workbench.vision.candidate import Choice

ORIGINAL = "original"
"""Folder in a session that keeps the windows and scores of before the first correction."""


def current(session: Session) -> Choice:
    """Whose face counts now, and why."""
    says = faces.stated(session)
    if says is not None:
        return says
    names = session.observations.faces.names
    used = sorted({names[i] for i in session.observations.faces.face.tolist() if i >= 0})
    return Choice(tuple(used), "the largest and longest in the picture at each moment")


def correct(session: Session, chosen: Sequence[str], reason: str, by: str) -> overrides.Override | None:
    """Say whose face counts, and compute windows and scores again.

    The correction goes into the chained log. The first windows and scores are kept in ``original/``; later ones are replaced,
    because the log and the stored outputs give them back at any time.

    Parameters
    ----------
    session : Session
    chosen : sequence of str
        Face ids; several where one person has more than one (after a cut, or a long absence).
    reason, by : str
        Why, and who decides; neither may be empty.

    Returns
    -------
    Override or None
        None where somebody said the same before: then windows and scores are only computed again.

    Raises
    ------
    SessionError
        If there is no such face, its expression was not read, reason or name are empty, or the log is broken.
    """
    if session.recording:
        raise SessionError(f"{session.folder}: is being recorded; correct it when it has ended")
    wanted, before = _known(session, chosen), current(session)
    same = before.confirmed and set(before.faces) == set(wanted)
    if not same and not (reason.strip() and by.strip()):
        raise SessionError("candidate: needs a reason and who decides (--reason, --by); nothing was changed")
    files.keep(session.folder, ORIGINAL, ("windows.jsonl", "scores.jsonl"))
    guard = files.Appender(session.folder / ORIGINAL / "windows.jsonl")
    try:
        with guard.locked():  # several reviewers: log, windows and scores of one before those of the next
            return _correct(session, wanted, reason, by)
    except OSError as error:
        raise files.fail(session.folder, error) from error
    finally:
        guard.close()
        session.refresh()


def _correct(session: Session, wanted: list[str], reason: str, by: str) -> overrides.Override | None:
    session.refresh()
    before, kept = current(session), session.folder / ORIGINAL
    same = before.confirmed and set(before.faces) == set(wanted)
    result = replay.replay_session(session, candidate=Choice(tuple(wanted), "", confirmed=True))
    files.write_atomically(kept / "next-windows", replay.lines(result.windows))
    files.write_atomically(kept / "next-scores", replay.lines(result.scores))  # the disk may be full: before the log says so
    made = None if same else overrides.of_candidate(session, ", ".join(before.faces) or None, ", ".join(wanted), reason, by)
    for name in ("windows", "scores"):
        (kept / f"next-{name}").replace(session.folder / f"{name}.jsonl")
    return made


def _known(session: Session, chosen: Sequence[str]) -> list[str]:
    """The faces that were named, each once; refused where the session does not know them."""
    known = {f.face_id: f for f in faces.summaries(session)}
    wanted = list(dict.fromkeys(chosen))
    every = ", ".join(sorted(known, key=_number)) or "none"
    if not wanted:
        raise SessionError(f"{session.folder}: no face was named; faces: {every}")
    for name in wanted:
        if name not in known:
            raise SessionError(f"{session.folder}: no face {name!r}; faces: {every}")
        if not known[name].analysed:
            raise SessionError(f"{session.folder}: the expression of {name} was not read (older sessions read the candidate's alone)")
    return wanted


def _number(name: str) -> tuple[int, str]:
    digits = name.rpartition("-")[2]
    return (int(digits) if digits.isdigit() else 0, name)
