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
from pydantic import TypeAdapter

from workbench import settings as tree
from workbench.contracts import Event, FusedWindow, Message, Score
from workbench.errors import SessionError
from workbench.events import EventKind
from workbench.fusion.fuse import Fused, fuse
from workbench.fusion.observations import Observations
from workbench.fusion.schedule import Change, fuse_changing
from workbench.fusion.smoothing import top_two
from workbench.fusion.windows import rows_of
from workbench.labels import BASIC
from workbench.scoring.scores import Known, running, score
from workbench.sessions import files
from workbench.sessions.tracks import observe
from workbench.settings import Settings
from workbench.streams import Floats, Track
from workbench.vision.candidate import Choice

if TYPE_CHECKING:
    from workbench.sessions.store import Session

_WINDOWS = TypeAdapter(list[FusedWindow])
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
        return window_messages(self.fusion, self.observations, self.running)

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
    changes = []
    for event in events:
        if event.kind == EventKind.SETTINGS_CHANGED:
            settings = tree.from_dict(settings.echo() | event.data["settings"], f"event at {event.timestamp:.1f} s", environment=False)
            changes.append((event.timestamp, settings))
    return changes


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


def replay_session(
    session: Session, settings: Settings | None = None, known: Known | None = None, *, candidate: Choice | None = None
) -> Replay:
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
    candidate : Choice, optional
        Whose face counts, instead of what the session says.

    Raises
    ------
    SettingsError
        If the header's settings are not valid (any more), or the given ones cannot be used.
    """
    stored = session.settings
    seen = session.observations if candidate is None else observe(session, candidate)
    with collecting_later():
        if settings is None:
            return recompute(seen, stored, changes=changes_of(session.events, stored), known=known)
        ignored = tuple(n for n in type(stored).model_fields if n not in SECTIONS and getattr(settings, n) != getattr(stored, n))
        followed = stored.model_copy(update={n: getattr(settings, n) for n in SECTIONS})
        return recompute(seen, followed, ignored, known=known)


@contextmanager
def collecting_later() -> Iterator[None]:
    """Puts garbage collection off: it would look through all that is loaded, three times as long as moving a weight takes."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def window_messages(fused: Fused, seen: Observations, running: dict[str, Floats]) -> list[FusedWindow]:
    """One message a window. ``transcript_summary`` is the words whose middle lies in the window."""
    grid = fused.windows
    low, high = (rows.tolist() for rows in rows_of(seen.words.middle, grid))
    visual = _labels(fused.visual)
    audio = _labels(fused.audio)
    emotion = _fused(fused)
    pitch = [None if p != p else p for p in fused.pitch.tolist()]
    weights = {m: w.tolist() for m, w in fused.weights.items()}
    usable = np.sum(list(fused.weights.values()), axis=0) > 0 if fused.weights else np.zeros(len(grid), bool)
    scores = {n: [None if v != v else v for v in values.tolist()] for n, values in running.items()}
    names = (*fused.face_names, None)  # -1 is the last: no face
    start, end, face = grid.start.tolist(), grid.end.tolist(), fused.face.tolist()
    with collecting_later():
        return _WINDOWS.validate_python(
            [
                {
                    "window_id": f"w-{i}",
                    "start": start[i],
                    "end": end[i],
                    "face_id": names[face[i]],
                    "visual": visual[i] or None,
                    "audio": {**audio[i], "pitch": pitch[i]} if audio[i] else None,
                    "fused_emotion": emotion[i],
                    "scores": {n: values[i] for n, values in scores.items()},
                    "transcript_summary": " ".join(seen.words.text[low[i] : high[i]]),
                    "weights": {m: w[i] for m, w in weights.items()} if usable[i] else {},
                    "missing": {m: why[i] for m, why in fused.missing.items() if why[i]},
                }
                for i in range(len(grid))
            ]
        )


def _labels(probs: Floats) -> list[dict[str, Any]]:
    """The most probable label of each row; empty where the row is masked."""
    known = ~np.isnan(probs[:, 0])  # a row is masked as a whole
    filled = np.clip(np.where(known[:, None], probs, 0.0), 0.0, 1.0)
    best, score = filled.argmax(axis=1), filled.max(axis=1, initial=0.0)
    return [{"label": BASIC[b], "score": s} if k else {} for k, b, s in zip(known.tolist(), best.tolist(), score.tolist(), strict=True)]


def _fused(fused: Fused) -> list[dict[str, Any] | None]:
    smoothed = fused.smoothed
    rows = np.clip(np.nan_to_num(smoothed.probs), 0.0, 1.0)
    table, two = rows.tolist(), top_two(rows).tolist()
    labels: list[dict[str, Any] | None] = []
    for label, uncertain, probs, (a, b) in zip(smoothed.label.tolist(), smoothed.uncertain.tolist(), table, two, strict=True):
        top2 = [(BASIC[a], probs[a]), (BASIC[b], probs[b])] if uncertain else []
        named = {"label": BASIC[label], "score": probs[label], "uncertain": uncertain, "top2": top2}
        labels.append(None if label < 0 else named | {"probs": dict(zip(BASIC, probs, strict=True))})
    return labels


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
