"""A session is a folder: a header, the media, and one append-only file of JSON lines a stream, written as things happen."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import contracts
from workbench.errors import SessionError
from workbench.sessions import files
from workbench.sessions import overrides as overriding
from workbench.sessions.tracks import SessionArrays
from workbench.sessions.writer import HEADER, SessionWriter
from workbench.streams import STREAMS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STREAMS", "Session", "SessionWriter", "list_sessions"]


class Session(SessionArrays):
    """A stored session: its messages, and the arrays, tables and corrections made of them. Build with `Session.open`."""

    def flags(self) -> list[str]:
        """What a list should say of a session: recording, incomplete, damaged, missing modalities, channels that are off, overridden."""
        whole = {n for n in STREAMS if (self.folder / f"{n}.jsonl").exists()}
        filled = {n for n in whole if (self.folder / f"{n}.jsonl").stat().st_size}
        torn = any(files.torn_bytes(self.folder / f"{n}.jsonl") for n in filled)
        return [
            *["recording"] * self.recording,
            *["incomplete"] * (not self.recording and not {"windows", "scores"} <= filled),
            *["damaged"] * (not self.recording and (torn or len(whole) < len(STREAMS))),
            *["no video"] * (self.video_path is None),
            *["no face"] * ("visual" not in filled),
            *["no speech"] * ("transcripts" not in filled),
            *["overridden"] * ((self.folder / overriding.LOG).exists() and (self.folder / overriding.LOG).stat().st_size > 0),
            *[f"{c.replace('_', ' ')} off" for c in sorted(self.header.disabled)],
        ]

    @property
    def overrides(self) -> list[overriding.Override]:
        """What reviewers changed, up to the first entry that does not fit its chain; that is named in `warnings`."""
        found = overriding.verify(self)
        for problem in found.problems:
            if (warning := f"{problem}; corrections after it are not shown") not in self.warnings:
                self.warnings.append(warning)
        return found.entries

    # ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────
    @cached_property
    def windows(self) -> pd.DataFrame:
        """One row a window."""
        from workbench.sessions import tables

        return tables.windows(self.fused_windows)

    @cached_property
    def words(self) -> pd.DataFrame:
        """One row a word."""
        from workbench.sessions import tables

        return tables.words(self.transcripts)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row a score; what a reviewer set stands beside it."""
        from workbench.sessions import tables

        return tables.scores(self.score_messages, overriding.in_force(self.overrides))

    @cached_property
    def contributions(self) -> pd.DataFrame:
        """One row a feature of a score."""
        from workbench.sessions import tables

        return tables.contributions(self.score_messages)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table of the session by name."""
        from workbench.sessions import tables

        return {
            "windows": self.windows,
            "words": self.words,
            "scores": self.scores,
            "contributions": self.contributions,
            "evidence": tables.evidence(self.score_messages),
            "overrides": tables.overrides(self.overrides),
            "answers": tables.answers(self.answers),
            "prosody": tables.plain(self.prosody, contracts.Prosody),
            "segments": tables.plain(self.segments, contracts.SpeechSegment),
            "events": tables.events(self.events),
            **{name: tables.track(self.track(name)) for name in ("visual", "affect", "acoustics", "speech")},
            **{name: tables.added(self.messages(name)) for name in self.added_streams},
        }

    def export(self, folder: str | Path, format: str = "parquet") -> list[Path]:
        """Write every table as ``parquet``, ``csv`` or ``json`` files.

        Raises
        ------
        SessionError
            If the format is not known or the folder cannot be written.
        """
        from workbench.sessions import tables

        return tables.export(self.tables(), Path(folder), format)


def list_sessions(folder: str | Path) -> list[dict[str, Any]]:
    """A summary of every session in a folder, newest first; what is no session is passed over, a damaged one is named."""
    found: list[dict[str, Any]] = []
    for path in sorted(Path(folder).glob(f"*/{HEADER}")):
        try:
            session = Session.open(path.parent, repair=False)
        except SessionError as error:
            problem = {"problem": str(error), "flags": ["damaged"]}
            found.append({"id": path.parent.name, "folder": str(path.parent), "created": "", **problem})
            continue
        header = session.header
        found.append(
            {
                "id": session.id,
                "folder": str(path.parent),
                "created": header.created,
                "duration": session.duration,
                "purpose": header.purpose,
                "jurisdiction": header.jurisdiction,
                "consent": header.consent.given,
                "disabled": sorted(header.disabled),
                "recording": session.recording,
                "source": header.media.get("name", ""),
                "flags": session.flags(),
                "problem": "",
            }
        )
    return sorted(found, key=lambda s: s["created"], reverse=True)
