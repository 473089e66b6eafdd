"""Refusion: outputs stored for each modality, and settings → windows and scores. No model runs, and nothing is random.

The same function makes the windows and scores of a new session, so that replaying a session with the settings in its
header gives the bytes that are stored.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from workbench import settings as tree
from workbench.contracts import Event, FusedWindow, Message, Score
from workbench.errors import SessionError
from workbench.events import EventKind
from workbench.fusion.fuse import Fused, fuse
from workbench.fusion.observations import Observations
from workbench.fusion.schedule import Change, fuse_changing
from workbench.fusion.smoothing import Ints
from workbench.labels import BASIC
from workbench.scoring.running import running
from workbench.scoring.scores import Known, score
from workbench.sessions import files, messages
from workbench.settings import Settings
from workbench.streams import Floats, Track

if TYPE_CHECKING:
    from workbench.sessions.store import Session

SECTIONS: tuple[str, ...] = ("fusion", "smoothing", "scoring")
"""What a replay may change; the other sections say how the stored outputs were made."""


@dataclass(frozen=True)
class Replay:
    """The outcome of a refusion.

    Parameters
    ----------
    settings : Settings
        Those in force: the session's, with `SECTIONS` from the caller.
    ignored : tuple of str
        Sections in which the caller's settings differ from the session's and were not followed.
    """

    settings: Settings
    observations: Observations
    fusion: Fused
    scores: list[Score]
    running: dict[str, Floats]
    ignored: tuple[str, ...] = ()

    @cached_property
    def windows(self) -> list[FusedWindow]:
        """The windows as they are stored."""
        return messages.windows(self.fusion, self.observations, self.running)

    @property
    def fused(self) -> Track:
        """Smoothed fused probabilities."""
        return self.fusion.track()

    @property
    def fused_raw(self) -> Track:
        """Fused probabilities before smoothing."""
        return self.fusion.track(smoothed=False)


def changes_of(events: Iterable[Event], settings: Settings) -> list[Change]:
    """The settings that a live session went through, in order, each with its first second; empty where they never changed."""
    found = []
    for event in events:
        if event.kind == EventKind.SETTINGS_CHANGED:
            settings = tree.from_dict(settings.echo() | event.data["settings"], f"event at {event.timestamp:.1f} s", environment=False)
            found.append((event.timestamp, settings))
    return found


def recompute(
    seen: Observations,
    settings: Settings,
    ignored: tuple[str, ...] = (),
    changes: Sequence[Change] = (),
    known: Known | None = None,
) -> Replay:
    """Fuse, smooth and score observations that are in memory.

    Windows are fused with the settings in force when they ended (`changes`), scores made with the last ones. Whoever
    computes the same observations again and again keeps a dict and gives it as `known`: what was measured stays there.

    Raises
    ------
    SettingsError
        If the strategy, weights or ranges cannot be used.
    """
    fused = fuse_changing(seen, [(0.0, settings), *changes]) if changes else fuse(seen, settings.fusion, settings.smoothing)
    settings = changes[-1][1] if changes else settings
    scores = score(seen, settings.scoring, known)
    return Replay(settings, seen, fused, scores, running(seen, fused.windows, settings.scoring, scores), ignored)


def replay_session(session: Session, settings: Settings | None = None, known: Known | None = None) -> Replay:
    """Compute the windows and scores of a stored session again.

    Parameters
    ----------
    session : Session
    known : dict, optional
        See `recompute`.
    settings : Settings, optional
        Without it, those of the header and of the changes made while the session ran. Only
        `SECTIONS` are followed: the others describe how the stored outputs were made.
        Channels that are disabled in the session stay so.

    Raises
    ------
    SettingsError
        If the header's settings are not valid (any more), or the given ones cannot be used.
    """
    stored, seen = session.settings, session.observations
    with _collecting_later():
        if settings is None:
            return recompute(seen, stored, changes=changes_of(session.events, stored), known=known)
        ignored = tuple(n for n in type(stored).model_fields if n not in SECTIONS and getattr(settings, n) != getattr(stored, n))
        followed = stored.model_copy(update={n: getattr(settings, n) for n in SECTIONS})
        return recompute(seen, followed, ignored, known=known)


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Puts garbage collection off: looking through all that is loaded takes three times as long as moving a weight does."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def overlay(session: Session, values: dict[str, Any], source: str) -> Settings:
    """The session's last settings with the keys of a settings file over them; keys that the file leaves out stay.

    Parameters
    ----------
    session : Session
    values : dict
        Section → key → value, as a settings file holds them.
    source : str
        Where they come from, for messages.

    Raises
    ------
    SettingsError
        Naming the first unknown key or impossible value.
    """
    stored = session.settings
    base = [stored, *(s for _, s in changes_of(session.events, stored))][-1].echo()
    tree.from_dict(values, source, environment=False)  # names what is wrong in the file itself
    return tree.from_dict({n: section | (values.get(n) or {}) for n, section in base.items()}, source, environment=False)


def write(replay: Replay, folder: str | Path) -> list[Path]:
    """Write ``windows.jsonl``, ``scores.jsonl`` and the settings in force as ``settings.yaml``.

    Parameters
    ----------
    replay : Replay
    folder : path
        Made where it is not there.

    Raises
    ------
    SessionError
        If the folder cannot be written, or is a session's own: the stored windows are never overwritten.
    """
    folder = Path(folder)
    if (folder / "header.json").exists():
        raise SessionError(f"{folder}: is a session; choose another folder, stored windows and scores are never overwritten")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.fail(folder, error) from error
    content = {
        "windows.jsonl": lines(replay.windows),
        "scores.jsonl": lines(replay.scores),
        "settings.yaml": yaml.safe_dump(replay.settings.echo(), sort_keys=False).encode(),
    }
    for name, data in content.items():
        files.write_atomically(folder / name, data)
    return [folder / name for name in content]


def lines(items: Iterable[Message]) -> bytes:
    """Messages as they lie on disk."""
    return b"".join(item.line().encode() + b"\n" for item in items)


def matches(session: Session, replay: Replay) -> bool:
    """Whether a replay gives the very bytes that the session holds.

    Examples
    --------
    >>> from workbench.sessions import synthetic
    >>> from workbench.sessions.store import Session
    >>> session = Session.open(synthetic.write("generated", minutes=1))
    >>> matches(session, replay_session(session))
    True
    """
    return session.raw("windows") == lines(replay.windows) and session.raw("scores") == lines(replay.scores)


def differences(session: Session, replay: Replay) -> dict[str, Any]:
    """What a replay changed: windows whose label differs, and every score before and after, with the features that moved it.

    Parameters
    ----------
    session : Session
        With what is stored.
    replay : Replay
    """
    labels = [BASIC.index(w.fused_emotion.label) if w.fused_emotion else -1 for w in session.fused_windows]
    starts = np.array([w.start for w in session.fused_windows])
    return between(starts, np.array(labels, np.int64), session.score_messages, replay)


def between(starts: Floats, labels: Ints, scores: Iterable[Score], after: Replay) -> dict[str, Any]:
    """What differs between some windows and scores, and a replay.

    Parameters
    ----------
    starts : ndarray, shape (n,)
        Of the windows before, s.
    labels : ndarray of int, shape (n,)
        Theirs, as an index into `labels.BASIC`; -1 for none.
    scores : iterable of Score
        Before.
    after : Replay

    Returns
    -------
    dict
        ``windows``, ``same_windows``, ``changed_labels`` (start, before, after), ``moved_scores`` (scope, name, before, after,
        and by how much each feature's contribution moved).
    """
    names = (*BASIC, None)
    begin, now = after.fusion.windows.start, after.fusion.smoothed.label
    same_grid = len(starts) == len(begin) and np.array_equal(starts, begin)
    if same_grid:
        old = new = np.arange(len(begin))
    else:
        _, old, new = np.intersect1d(starts, begin, return_indices=True)
    rows = np.flatnonzero(labels[old] != now[new])
    changed = [
        {"start": float(begin[new[i]]), "before": names[labels[old[i]]], "after": names[now[new[i]]]} for i in rows.tolist()
    ]  # fmt: skip
    before = {(s.scope, s.name): s for s in scores}
    moved = []
    for made in after.scores:
        was = before.get((made.scope, made.name))
        if was is not None and was.value == made.value:
            continue
        parts = {c.feature: c.contribution for c in was.contributions} if was else {}
        present = {c.feature: c.contribution for c in made.contributions}
        moved.append(
            {
                "scope": made.scope, "name": made.name, "before": was.value if was else None, "after": made.value,
                "features": {
                    f: present.get(f, 0.0) - parts.get(f, 0.0) for f in {**parts, **present} if present.get(f) != parts.get(f)
                },
            }
        )  # fmt: skip
    return {"windows": len(begin), "same_windows": same_grid, "changed_labels": changed, "moved_scores": moved}
