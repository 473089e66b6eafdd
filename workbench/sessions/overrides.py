"""What a reviewer changed: an append-only log beside the stored scores, each line bound to the one before by its hash.

The original is never touched. ``overrides.jsonl`` holds one `Override` a line; `hash` is the SHA-256 of its other fields as
canonical JSON (sorted keys, no spaces), `previous` the hash of the line before, and the first line's that of the session's
id. So an edit, a deletion or another order breaks the chain. A tail that is cut off does not, and is found by two anchors:
the session's ``events`` note every override with its hash, and ``.anchors/SESSION.json`` beside the session's folder holds
count and head. There is no secret in it: whoever may rewrite all three places can forge the log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from workbench import contracts
from workbench.contracts import Message, Seconds
from workbench.errors import SessionError
from workbench.events import EventKind
from workbench.labels import BASIC
from workbench.sessions import files
from workbench.sessions.reader import SessionReader

LOG, ANCHORS = "overrides.jsonl", ".anchors"


class Override(Message):
    """One correction. `original` is what was stored, `value` what the reviewer says: a score in [0, 1], an emotion label, or face ids."""

    number: int = Field(ge=1, description="counts from 1, without gaps")
    kind: Literal["score", "label", "candidate"]
    scope: str = Field(default="session", description="'session' or a question's id")
    name: str = Field(description="the score's name; 'fused_emotion' for a label, 'candidate' for faces")
    start: Seconds | None = Field(default=None, description="span whose label is changed, s")
    end: Seconds | None = None
    original: float | str | None
    value: float | str | None
    reason: str = Field(min_length=1)
    by: str = Field(min_length=1)
    when: str = Field(description="ISO 8601, UTC")
    previous: str
    hash: str

    def digest(self) -> str:
        """The hash that this entry must carry."""
        return _sha(json.dumps(self.model_dump(exclude={"hash"}), sort_keys=True, separators=(",", ":"), ensure_ascii=False))


@dataclass
class Verification:
    """What the chain of a session is worth: `problems` is empty where it is whole."""

    session: str
    entries: list[Override] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(session: SessionReader) -> Verification:
    """Check every line of a session's log against its chain and anchors.

    Returns
    -------
    Verification
        With the entries up to the first that does not fit.
    """
    with files.reading(session.folder / LOG):  # an entry and its anchors come together
        return _verify(session)


def _verify(session: SessionReader) -> Verification:
    state = Verification(session.id)
    path = session.folder / LOG
    try:
        data = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise files.fail(path, error, "read") from error
    head, whole = _first(session.id), data[: data.rfind(b"\n") + 1]
    for number, line in enumerate(whole.splitlines(), start=1):
        problem, entry = _check(line, number, head)
        if entry is None or problem:
            state.problems.append(f"{LOG}: line {number} {problem}")
            break
        state.entries.append(entry)
        head = entry.hash
    broken = bool(state.problems)
    _check_anchors(session, state, len(whole.splitlines()))
    if torn := len(data) - len(whole):
        text = f"{LOG}: its last line is torn ({torn} bytes without an end)"
        if state.problems:
            state.problems.insert(int(broken), text)
        else:  # no anchor knows it: whoever wrote it was killed before the correction was acknowledged
            state.notes.append(f"{text}; it was never acknowledged, and the next correction takes its place")
    return state


def _check(line: bytes, number: int, head: str) -> tuple[str, Override | None]:
    try:
        entry = Override.model_validate_json(line)
    except ValidationError:
        return "is not an entry: it was edited or damaged", None
    if entry.digest() != entry.hash:
        return "was edited: its hash does not fit its content", entry
    if entry.previous != head or entry.number != number:
        return "does not follow the line before: something was deleted, inserted or reordered", entry
    return "", entry


def _check_anchors(session: SessionReader, state: Verification, lines: int) -> None:
    for event in session.events:
        if event.kind != EventKind.OVERRIDE:
            continue
        number, digest = int(event.data.get("number", 0)), event.data.get("hash")
        if number > lines:
            state.problems.append(f"{LOG}: entry {number} is missing; the session's events know it (the end was cut off)")
        elif 0 < number <= len(state.entries) and state.entries[number - 1].hash != digest:
            state.problems.append(f"{LOG}: entry {number} is not the one that the session's events know (the log was rewritten)")
    anchor = _anchor(session.folder)
    if not anchor.exists():
        if state.entries:
            state.notes.append(f"no anchor at {anchor}: the session was moved or copied here")
        return
    try:
        known = json.loads(anchor.read_bytes())
        count, head, made = int(known["count"]), str(known["head"]), str(known["created"])
    except (OSError, ValueError, KeyError, TypeError):
        state.problems.append(f"{anchor}: cannot be read; the end of {LOG} cannot be checked")
        return
    if made != session.header.created:
        state.notes.append(f"{anchor}: is of another session of this name, made {made}")
    elif count > lines:
        state.problems.append(f"{LOG}: {lines} entries, {count} were written (the end was cut off)")
    elif 0 < count <= len(state.entries) and state.entries[count - 1].hash != head:
        state.problems.append(f"{LOG}: entry {count} is not the one that was anchored (the log was rewritten)")


def of_score(session: SessionReader, name: str, value: float, reason: str, by: str, scope: str = "session") -> Override:
    """Set a score beside the stored one.

    Parameters
    ----------
    session : SessionReader
    name : str
        Of the score, such as ``clarity``.
    value : float
        In [0, 1].
    reason, by : str
        Why, and who decides (a role or a pseudonym will do); neither may be empty.
    scope : str
        'session' or a question's id.

    Raises
    ------
    SessionError
        If there is no such score, the value is out of range, reason or name are empty, or the log is broken.
    """
    stored = {(s.scope, s.name): s.value for s in session.score_messages}
    if (scope, name) not in stored:
        raise SessionError(
            f"{session.folder}: no score {name!r} of {scope!r}; scores: {', '.join(sorted({n for _, n in stored})) or 'none'}"
        )
    if not 0 <= value <= 1:
        raise SessionError(f"override: {name} must be between 0 and 1 (or 0 and 100); got {value:g}")
    return _add(
        session, {"kind": "score", "scope": scope, "name": name, "original": stored[scope, name], "value": float(value)}, reason, by
    )


def of_label(session: SessionReader, start: float, end: float, label: str, reason: str, by: str) -> Override:
    """Set the emotion label of a span beside the stored windows.

    Parameters
    ----------
    session : SessionReader
    start, end : float, s
    label : str
        One of `labels.BASIC`.
    reason, by : str
        Why, and who decides; neither may be empty.

    Raises
    ------
    SessionError
        If the label is not known, the span is empty, reason or name are empty, or the log is broken.
    """
    if label not in BASIC:
        raise SessionError(f"override: {label!r} is no label; choose one of {', '.join(BASIC)}")
    if not 0 <= start < end:
        raise SessionError(f"override: a span needs a start before its end; got {start:g} to {end:g} s")
    labels = [w.fused_emotion.label for w in session.fused_windows if w.fused_emotion and w.start < end and w.end > start]
    original = ", ".join(dict.fromkeys(labels)) or None
    span = {"kind": "label", "name": "fused_emotion", "start": round(start, 3), "end": round(end, 3)}
    return _add(session, span | {"original": original, "value": label}, reason, by)


def of_candidate(session: SessionReader, original: str | None, faces: str, reason: str, by: str) -> Override:
    """Say whose face counts; `candidate.correct` checks the faces and computes windows and scores again.

    Raises
    ------
    SessionError
        If reason or name are empty, or the log is broken.
    """
    return _add(session, {"kind": "candidate", "name": "candidate", "original": original, "value": faces}, reason, by)


def _add(session: SessionReader, values: dict[str, Any], reason: str, by: str) -> Override:
    if not reason.strip() or not by.strip():
        raise SessionError("override: needs a reason and who decides (--reason, --by); nothing was changed")
    if session.recording:
        raise SessionError(f"{session.folder}: is being recorded; correct it when it has ended")
    log = files.Appender(session.folder / LOG)
    try:
        with log.locked():  # several reviewers: one after the other
            return _append(session, log, values, reason.strip(), by.strip())
    finally:
        log.close()


def _append(session: SessionReader, log: files.Appender, values: dict[str, Any], reason: str, by: str) -> Override:
    session.__dict__.pop("events", None)
    state = _verify(session)
    if not state.ok:
        raise SessionError(f"{session.folder}: {state.problems[0]}; restore the log from a copy before anything is added")
    head = state.entries[-1].hash if state.entries else _first(session.id)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    draft = Override(number=len(state.entries) + 1, reason=reason, by=by, when=when, previous=head, hash="", **values)
    entry = draft.model_copy(update={"hash": draft.digest()})
    line = entry.line().encode() + b"\n"
    log.append(line)
    try:
        log.sync()
        files.append_line(session.folder / "events.jsonl", _event(entry).line())
    except SessionError:
        log.roll_back(log.size - len(line))  # refused as a whole: what nobody was told of is not in force
        raise
    session.__dict__.pop("events", None)
    _anchor_beside(session, entry)
    return entry


def _event(entry: Override) -> contracts.Event:
    text = f"{entry.by} set {entry.scope} {entry.name} from {entry.original} to {entry.value}: {entry.reason}"
    data = {"number": entry.number, "hash": entry.hash}
    return contracts.Event(timestamp=entry.start or 0.0, kind=EventKind.OVERRIDE, message=text, data=data)


def _anchor_beside(session: SessionReader, entry: Override) -> None:
    """Keep count and hash beside the folder; where that fails, the entry stands all the same, and the older anchor with it."""
    anchor = _anchor(session.folder)
    content = {"created": session.header.created, "count": entry.number, "head": entry.hash}
    try:
        anchor.parent.mkdir(exist_ok=True)
        files.write_atomically(anchor, json.dumps(content).encode() + b"\n")
    except (OSError, SessionError) as error:
        session.warnings.append(f"{anchor}: cannot be written ({error}); the correction is stored, the next one renews the anchor")


def in_force(entries: Iterable[Override]) -> dict[tuple[str, str], Override]:
    """(scope, score) → the newest override of it."""
    return {(e.scope, e.name): e for e in entries if e.kind == "score"}


def _anchor(folder: Path) -> Path:
    folder = folder.resolve()
    return folder.parent / ANCHORS / f"{folder.name}.json"


def _first(session_id: str) -> str:
    return _sha(f"workbench overrides of {session_id}")


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
