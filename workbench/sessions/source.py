"""What a session was made of: which tracks were used and which not, channels, gaps, parts, and what was repaired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from workbench.contracts import Event, SessionHeader
from workbench.events import EventKind

_CHANNELS = (EventKind.DEAD_CHANNEL, EventKind.CHANNELS_CANCEL)
_REPAIRED = (EventKind.BROKEN_SAMPLES, EventKind.CLIPPED, EventKind.UNTIMED, EventKind.DAMAGED, EventKind.CUT_SHORT, EventKind.REPAIR)


@dataclass(frozen=True)
class TrackUse:
    """A track of the file.

    Parameters
    ----------
    kind : str
        "video" or "audio".
    number : int
        From 1, among those of its kind.
    used : bool
    why : str
        Why it is used or not; empty where there was no choice.
    """

    kind: str
    number: int
    codec: str
    language: str
    title: str
    used: bool
    why: str

    def __str__(self) -> str:
        about = ", ".join(filter(None, [self.codec, self.language, self.title]))
        return f"{self.kind} track {self.number} ({about}): {'used' if self.used else 'not used'}{f', {self.why}' if self.why else ''}"


@dataclass(frozen=True)
class SourceSummary:
    """What a session was made of, from its header and events. Texts are sentences for people; times are session seconds.

    Parameters
    ----------
    name : str
    tracks : tuple of TrackUse
        Empty for a live session.
    channels : int or None
        Of the sound that was used.
    channels_note : str
        What was done with them where that was not their mean.
    parts : tuple of float
        Where the file's clock started again.
    gaps : tuple of str
    repaired : tuple of str
        What was left out, set to 0 or put right.
    """

    name: str
    tracks: tuple[TrackUse, ...] = ()
    channels: int | None = None
    channels_note: str = ""
    parts: tuple[float, ...] = ()
    gaps: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def lines(self) -> dict[str, str]:
        """What is worth telling, as printed pairs; nothing where one track of each kind was read without remark."""
        found: dict[str, str] = {}
        if any(not t.used for t in self.tracks):
            found["Tracks"] = "; ".join(str(t) for t in self.tracks)
        if self.channels_note:
            found["Channels"] = self.channels_note
        if self.parts:
            found["Parts"] = f"{len(self.parts) + 1}: the file's clock starts again at {', '.join(f'{p:.1f} s' for p in self.parts)}"
        if self.gaps:
            found["Gaps"] = "; ".join(self.gaps)
        if self.repaired:
            found["Repaired"] = "; ".join(self.repaired)
        return found


def source_summary(header: SessionHeader, events: Iterable[Event]) -> SourceSummary:
    """See `SourceSummary`."""
    events, media = list(events), header.media

    def told(*kinds: EventKind) -> tuple[str, ...]:
        return tuple(dict.fromkeys(e.message for e in events if e.kind in kinds and e.message))

    return SourceSummary(
        name=str(media.get("name", "")),
        tracks=tuple(
            TrackUse(s["kind"], n, s["codec"], s.get("language", ""), s.get("title", ""), s["used"], s.get("why", ""))
            for s in media.get("streams", [])
            if (n := s.get("number", 1)) and s["kind"] in ("video", "audio")
        ),
        channels=media.get("channels"),
        channels_note="; ".join(told(*_CHANNELS)),
        parts=tuple(e.timestamp for e in events if e.kind == EventKind.NEW_PART),
        gaps=told(EventKind.AUDIO_GAP),
        repaired=told(*_REPAIRED),
    )
